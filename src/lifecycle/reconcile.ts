import { asRecorded, type Wanted, type WantedOptions, wantedOf } from '../binding/wanted.ts';
import { BerthError } from '../common/errors.ts';
import type { Deployment, Deployments, Updater } from '../deployment/deployment.ts';
import type { Registry } from '../registry/registry.ts';
import type { Root } from '../root/root.ts';
import { isLiving, type RootRecord } from '../state/record.ts';
import { isManual } from '../state/root-id.ts';
import { type Context, changing } from './context.ts';
import { hasDrifted, noteDrift } from './drift.ts';
import { hold, isHeld } from './held.ts';
import { planStage } from './plan/plan.ts';
import { type ReleasedRoot, release } from './release.ts';
import { recoverSituation, type Situation } from './situation.ts';
import { failuresOf, resultIfUpToDate, type Staged, stage } from './stage/stage.ts';
import { type Finding, judge, judgeAbsent } from './verify.ts';

export interface ReconcileOptions {
  /** Where roots keep compose files. */
  readonly compose: readonly string[];
  /** For how many days the pins of a root that was staged and never finalised are kept. */
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
  /** The living, in the order in which they were looked at; then the held. */
  readonly roots: readonly ReconciledRoot[];
  readonly released: readonly ReleasedRoot[];
  /** What kept a reader from telling which roots live: then nothing was released. */
  readonly failures: readonly BerthError[];
}

export interface ReconciledRoot {
  readonly id: string;
  readonly location: string;
  readonly role: Deployment['role'] | 'held';
  /** Whether anything was done for it. */
  readonly changed: boolean;
  readonly ready: boolean;
  readonly images: number;
  readonly findings: readonly Finding[];
  readonly failures: readonly RootFailure[];
}

/** What kept a root, or one image of it, from being staged. */
export interface RootFailure {
  readonly image?: string;
  readonly error: BerthError;
}

/** The running root first: what it has lost hurts at once. Then what is booted next. */
const order: readonly Deployment['role'][] = ['booted', 'staged', 'rollback', 'pinned', 'other'];

/**
 * Stages the living roots and releases the gone.
 *
 * A root that is staged already keeps what its record says, whatever its tags mean by now; what
 * it has lost is fetched again by digest. A root that was staged and went without ever having
 * been finalised is held until a newer one is ready, or for some days. Roots that were never an
 * updater's are left alone, and so are all that are gone where an updater can't tell.
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
    // An updater of which nothing at all is left has not been found; its roots may well live.
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

/** One look at the engine serves until something is changed. */
interface Look {
  readonly situation: () => Promise<Situation>;
  readonly again: () => void;
}

function lookAt(context: Context): Look {
  let seen: Promise<Situation> | undefined;
  return {
    situation: () => (seen ??= changing(context, 'shared', () => recoverSituation(context))),
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
 * A tree that can't be read just now, as that of a composefs deployment which is not mounted, is
 * not missed where its record stands: what such an updater calls by one id does not change.
 *
 * @returns undefined where the record stands in for it.
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
    if (judge(record, situation).some(({ code }) => code !== 'problem')) throw error;
    return undefined;
  }
}

/** What there is to say of a root by its record alone. */
async function standingOf(
  { id, location, role }: Pick<Deployment, 'id' | 'location'> & Pick<ReconciledRoot, 'role'>,
  look: Look,
): Promise<ReconciledRoot> {
  const situation = await look.situation();
  const record = situation.records.get(id);
  const findings = record === undefined ? judgeAbsent(id, situation) : judge(record, situation);
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

/** @param root stays open until all is staged: images that it ships are read from it. */
async function stageOpen(
  context: Context,
  registry: Registry,
  deployment: Deployment,
  root: Root,
  look: Look,
  { compose, read = wantedOf }: ReconcileOptions,
): Promise<ReconciledRoot> {
  const { id, location, role } = deployment;
  const reading = { bind: undefined, compose, engine: context.engine.id };
  const wanted = await read(root, reading, deployment);
  const planIn = (situation: Situation) => {
    const before = situation.records.get(id);
    const kept = keepsRecord(deployment, wanted, before) ? asRecorded(wanted, before) : wanted;
    const planned = { id, location, deployment: recordedOf(deployment) };
    return planStage(context, registry, situation, planned, kept);
  };
  const locked = wanted.bindings.filter((binding) => binding.locked !== undefined);
  const names = new Set(locked.map(({ name }) => name));
  const seen = await look.situation();
  const before = seen.records.get(id);
  const drifts = role === 'booted' && before !== undefined && hasDrifted(before, seen, names);
  if (!drifts && keepsRecord(deployment, wanted, before) && hasAll(before, seen, wanted)) {
    const upToDate = resultIfUpToDate(await planIn(seen), seen);
    if (upToDate !== undefined) return { id, location, role, ...outcomeOf(upToDate) };
  }
  look.again();
  const noted = drifts && (await noteDrift(context, id, names));
  const outcome = outcomeOf(await stage(context, id, planIn));
  return { id, location, role, ...outcome, changed: noted || outcome.changed };
}

/** Whether a plan that keeps the record needs no registry. */
function hasAll({ staged }: RootRecord, { images }: Situation, { bindings }: Wanted): boolean {
  const present = (staged?.images ?? []).filter(({ id }) => images.has(id));
  const names = new Set(present.flatMap((image) => image.names.map(({ name }) => name)));
  return bindings.every(({ name }) => names.has(name));
}

function outcomeOf(staged: Staged) {
  const { plan, findings, changed } = staged;
  const failures = failuresOf(staged).map(({ name: image, error }) => ({ image, error }));
  const ready = failures.length === 0 && findings.length === 0;
  return { changed, ready, images: plan.images.length, findings, failures };
}

/** What a record says of its root's deployment. */
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
 * Whether names keep the digests on record. A tree that was changed under its id is staged anew;
 * but the running one, where local changes come and go, keeps what runs.
 */
function keepsRecord(
  { updater, role, version }: Deployment,
  { bindings }: Wanted,
  before: RootRecord | undefined,
): before is RootRecord {
  if (before?.staged === undefined) return false;
  // What ostree and bootc call by one id is one tree: only /etc comes and goes.
  if (role === 'booted' || updater !== 'directories') return true;
  const names = before.staged.images.flatMap((image) => image.names.map(({ name }) => name));
  const known = new Set(names);
  return (
    before.deployment?.version === version &&
    bindings.length === known.size &&
    bindings.every(({ name }) => known.has(name))
  );
}

/** Both see the same deployments. */
function familyOf(updater: Updater): Updater {
  return updater === 'bootc' ? 'ostree' : updater;
}

/**
 * Looks again when it is done: an update that is queued meanwhile starts nothing anew, as the service
 * runs already.
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

/** Of updates that come one after the other, without an end; the timer sees what comes later. */
const MAX_ROUNDS = 8;

function summary({ deployments }: Deployments): string {
  return deployments.map(({ id, role }) => `${id} ${role}`).join('\n');
}
