import { asRecorded, type Wanted, type WantedOptions, wantedOf } from '../binding/wanted.ts';
import type { EngineId } from '../common/engine-id.ts';
import { BerthError } from '../common/errors.ts';
import type { Deployment, Deployments, Updater } from '../deployment/deployment.ts';
import type { Registry } from '../registry/registry.ts';
import type { Root } from '../root/root.ts';
import { bindOf, isLiving, type RootRecord } from '../state/record.ts';
import { isManual } from '../state/root-id.ts';
import { type Context, changing, readingFor } from './context.ts';
import { hasDrifted, noteDrift } from './drift.ts';
import { hold, isHeld } from './held.ts';
import { planStage } from './plan/plan.ts';
import { type ReleasedRoot, release } from './release.ts';
import { recoverSituation, type Situation } from './situation.ts';
import { failuresOf, resultIfUpToDate, type Staged, stage } from './stage/stage.ts';
import { type Finding, isOfRoot, judge, judgeNone } from './verify.ts';

export interface ReconcileOptions {
  /** Where roots keep compose files. */
  readonly compose: readonly string[];
  /** For how many days the pins of a root that was queued and never finalised are kept. */
  readonly heldDays: number;
  /** Reads a root; `wantedOf` unless it is given. */
  readonly read?: ReadWanted;
}

/** How a root is read: in this thread, or by a process with other work to do in another. */
export type ReadWanted = (
  root: Root,
  options: WantedOptions,
  deployment: Deployment,
) => Promise<Wanted>;

export interface Reconciled {
  /** The living roots, in the order in which they were looked at; then the held roots. */
  readonly roots: readonly ReconciledRoot[];
  readonly released: readonly ReleasedRoot[];
  /** Why an updater could not tell which roots live. With failures nothing was released. */
  readonly failures: readonly BerthError[];
}

export interface ReconciledRoot {
  readonly id: string;
  readonly location: string;
  readonly role: Deployment['role'] | 'held';
  /** Whether anything was done for the root. */
  readonly changed: boolean;
  readonly ready: boolean;
  readonly images: number;
  readonly findings: readonly Finding[];
  readonly failures: readonly RootFailure[];
}

/** Why a root, or one image of a root, could not be staged. */
export interface RootFailure {
  readonly image?: string;
  readonly error: BerthError;
  /** The units that want the image. */
  readonly wantedBy?: readonly string[];
}

/** The running root is first: an image that it lacks is missed at once. Next is the root that boots next. */
const order: readonly Deployment['role'][] = ['booted', 'staged', 'rollback', 'pinned', 'other'];

/**
 * Stages the living roots and releases the roots that are gone.
 *
 * A root that is staged already keeps the images on its record, whatever its tags mean by now; images
 * that it has lost are fetched again by digest. A root that was queued and dropped before it was finalised
 * is held until a newer root is ready, or for some days. Roots that no updater ever knew are left alone.
 * If an updater can't tell which roots live, nothing is released.
 */
export async function reconcile(
  context: Context,
  registry: Registry,
  { deployments, failures }: Deployments,
  options: ReconcileOptions,
): Promise<Reconciled> {
  const roots: ReconciledRoot[] = [];
  const look = lookAt(context);
  const sorted = deployments.toSorted((a, b) => order.indexOf(a.role) - order.indexOf(b.role));
  for (const deployment of sorted) {
    context.signal.throwIfAborted();
    roots.push(await stageLiving(context, registry, deployment, look, options));
  }
  const released: ReleasedRoot[] = [];
  if (failures.length > 0) return { roots, released, failures };
  const living = new Set(deployments.map(({ id }) => id));
  const updaters = new Set(deployments.map(({ updater }) => familyOf(updater)));
  const situation = await look.situation();
  for (const record of situation.records.values()) {
    const { deployment } = record;
    if (deployment === undefined || !isLiving(record) || isManual(record.id)) continue;
    // An updater without any deployment was perhaps not found at all, and its roots may well live.
    if (living.has(record.id) || !updaters.has(familyOf(deployment.updater))) continue;
    if (isHeld(context, record, situation, roots, options.heldDays)) {
      const changed = await hold(context, record);
      if (changed) look.again();
      roots.push({ ...(await standingOf({ ...record, role: 'held' }, look)), changed });
    } else {
      released.push(await release(context, record.id));
    }
  }
  return { roots, released, failures };
}

/** A situation that is read once, and again only after something has changed. */
interface Look {
  /** @param needed engines that the situation must have. */
  readonly situation: (needed?: Iterable<EngineId>) => Promise<Situation>;
  readonly again: () => void;
}

function lookAt(context: Context): Look {
  const engines = new Set<EngineId>();
  let seen: Promise<Situation> | undefined;
  const look = () => changing(context, 'shared', () => recoverSituation(context, { engines }));
  return {
    situation: async (needed = []) => {
      for (const id of needed) engines.add(id);
      const known = await (seen ??= look());
      if ([...needed].every((id) => known.engines.has(id))) return known;
      return (seen = look());
    },
    again: () => (seen = undefined),
  };
}

async function stageLiving(
  context: Context,
  registry: Registry,
  deployment: Deployment,
  look: Look,
  options: ReconcileOptions,
): Promise<ReconciledRoot> {
  const { id, location, role } = deployment;
  try {
    const root = await opened(context, deployment, look);
    if (root === undefined) return await standingOf(deployment, look);
    try {
      return await stageOpen(context, registry, deployment, root, look, options);
    } finally {
      root.close();
    }
  } catch (error) {
    context.signal.throwIfAborted();
    if (!(error instanceof BerthError)) throw error;
    const nothing = { changed: false, ready: false, images: 0, findings: [] };
    return { id, location, role, ...nothing, failures: [{ error }] };
  }
}

/**
 * Opens the tree of a deployment. A tree that can't be read just now, such as that of a composefs
 * deployment that is not mounted, is not needed if the root is staged and lacks nothing: the tree that
 * such an updater has under one id does not change.
 *
 * @returns undefined if the record stands in for the tree.
 */
async function opened(
  context: Context,
  deployment: Deployment,
  look: Look,
): Promise<Root | undefined> {
  try {
    return await deployment.open();
  } catch (error) {
    context.signal.throwIfAborted();
    if (!(error instanceof BerthError) || deployment.updater === 'directories') throw error;
    const situation = await look.situation();
    const record = situation.records.get(deployment.id);
    if (record?.staged === undefined) throw error;
    if (judge(record, situation).some(({ code }) => !isOfRoot(code))) throw error;
    return undefined;
  }
}

/** The result for a root that is judged by its record alone. */
async function standingOf(
  { id, location, role }: Pick<Deployment, 'id' | 'location'> & Pick<ReconciledRoot, 'role'>,
  look: Look,
): Promise<ReconciledRoot> {
  const situation = await look.situation();
  const record = situation.records.get(id);
  const findings = record === undefined ? judgeNone() : judge(record, situation);
  return {
    id,
    location,
    role,
    changed: false,
    ready: findings.length === 0,
    images: record?.staged?.images.length ?? 0,
    findings,
    failures: [],
  };
}

/** @param root stays open until everything is staged: the images that the root ships are read from it. */
async function stageOpen(
  context: Context,
  registry: Registry,
  deployment: Deployment,
  root: Root,
  look: Look,
  { compose, read = wantedOf }: ReconcileOptions,
): Promise<ReconciledRoot> {
  const { id, location, role } = deployment;
  const bind = bindOf((await look.situation()).records.get(id));
  const wanted = await read(root, { ...readingFor(context), bind, compose }, deployment);
  const planIn = (situation: Situation) => {
    const before = situation.records.get(id);
    const kept = keepsRecord(deployment, wanted, before) ? asRecorded(wanted, before) : wanted;
    const planned = { id, location, deployment: recordedOf(deployment) };
    return planStage(context, registry, situation, planned, kept);
  };
  const locked = wanted.bindings.filter((binding) => binding.locked !== undefined);
  const names = new Set(locked.map(({ name }) => name));
  const engines = new Set(wanted.bindings.map(({ engine }) => engine));
  const seen = await look.situation(engines);
  const before = seen.records.get(id);
  // What somebody removed stays so until somebody stages the root.
  if (before?.removed !== undefined && keepsRecord(deployment, wanted, before)) {
    return standingOf(deployment, look);
  }
  const drifts = role === 'booted' && before !== undefined && hasDrifted(before, seen, names);
  if (!drifts && keepsRecord(deployment, wanted, before) && hasAll(before, seen, wanted)) {
    const upToDate = resultIfUpToDate(await planIn(seen), seen);
    if (upToDate !== undefined) return { id, location, role, ...outcomeOf(upToDate) };
  }
  look.again();
  const noted = drifts && (await noteDrift(context, id, names));
  const outcome = outcomeOf(await stage(context, { id, engines, plan: planIn }));
  return { id, location, role, ...outcome, changed: noted || outcome.changed };
}

/** Whether a plan that keeps the record needs no registry. */
function hasAll({ staged }: RootRecord, { engines }: Situation, { bindings }: Wanted): boolean {
  const here = (staged?.images ?? []).filter(({ engine, id }) => {
    const on = engines.get(engine);
    return on?.images.has(id) === true || on?.waiting.has(id) === true;
  });
  const names = new Set(
    here.flatMap(({ engine, names }) => names.map(({ name }) => `${engine} ${name}`)),
  );
  return bindings.every(({ engine, name }) => names.has(`${engine} ${name}`));
}

function outcomeOf(staged: Staged) {
  const { plan, findings, changed } = staged;
  const failures = failuresOf(staged).map(({ name: image, ...rest }) => ({ image, ...rest }));
  const ready = failures.length === 0 && findings.length === 0;
  return { changed, ready, images: plan.images.length, findings, failures };
}

/** A deployment as the record of its root describes it. */
export function recordedOf({
  updater,
  role,
  version,
  finalised,
}: Deployment): RootRecord['deployment'] & {} {
  return {
    updater,
    role,
    ...(version === undefined ? {} : { version }),
    ...(finalised === undefined ? {} : { finalised }),
  };
}

/**
 * Whether names keep the digests on record. A root whose tree was changed under the same id is staged
 * anew. The running root keeps what runs, as local changes come and go there.
 */
function keepsRecord(
  { updater, role, version }: Deployment,
  { bindings }: Wanted,
  before: RootRecord | undefined,
): before is RootRecord {
  if (before?.staged === undefined) return false;
  // The tree that ostree and bootc have under one id never changes, except for /etc.
  if (role === 'booted' || updater !== 'directories') return true;
  const names = before.staged.images.flatMap(({ engine, names }) =>
    names.map(({ name }) => `${engine} ${name}`),
  );
  const known = new Set(names);
  return (
    before.deployment?.version === version &&
    bindings.length === known.size &&
    bindings.every(({ engine, name }) => known.has(`${engine} ${name}`))
  );
}

/** bootc and ostree see the same deployments, so they count as one updater. */
function familyOf(updater: Updater): Updater {
  return updater === 'bootc' ? 'ostree' : updater;
}

/**
 * Reads the deployments and works, until nothing was queued meanwhile: an update that is queued while the
 * service runs does not start the service again.
 */
export async function untilSettled(
  read: () => Promise<Deployments>,
  work: (found: Deployments) => Promise<Reconciled>,
): Promise<{ found: Deployments; result: Reconciled }> {
  let found = await read();
  let result = await work(found);
  let { released } = result;
  const changed = new Set(changedIn(result));
  for (let round = 1; round < MAX_ROUNDS; round++) {
    const now = await read();
    if (summary(now) === summary(found)) break;
    found = now;
    result = await work(found);
    released = [...released, ...result.released];
    for (const id of changedIn(result)) changed.add(id);
  }
  const roots = result.roots.map((root) => ({ ...root, changed: changed.has(root.id) }));
  return { found, result: { ...result, roots, released } };
}

function changedIn({ roots }: Reconciled): string[] {
  return roots.filter((root) => root.changed).map(({ id }) => id);
}

/** How many updates that come one after the other are followed; later ones are left to the timer. */
const MAX_ROUNDS = 8;

function summary({ deployments }: Deployments): string {
  return deployments.map(({ id, role }) => `${id} ${role}`).join('\n');
}
