import { isDeepStrictEqual } from 'node:util';
import { unitsOf } from '../../binding/units-of.ts';
import type { EngineId } from '../../common/engine-id.ts';
import type { NameFailure } from '../../common/limited.ts';
import {
  type Contents,
  onEngines,
  placeOf,
  type RootRecord,
  wantedImages,
} from '../../state/record.ts';
import * as transitions from '../../state/transitions.ts';
import { absenceFor } from '../absence.ts';
import { type Context, changing, changingRoot, onEngine } from '../context.ts';
import { refuseElsewhere } from '../elsewhere.ts';
import { aboutRoot } from '../events.ts';
import type { Plan } from '../plan/plan.ts';
import { broughtByBerth } from '../provenance.ts';
import { pinnedRecord } from '../restore-pins.ts';
import {
  type Looked,
  pinsIn,
  readSituation,
  recordsOn,
  recoverSituation,
  type Situation,
} from '../situation.ts';
import { type Finding, isOfRoot, judge } from '../verify.ts';
import { settleDepots } from '../waiting.ts';
import { begunWith, contentsOf, driftAfter, withArtifacts } from './contents.ts';
import { type FetchFailure, fetchImages } from './fetch.ts';
import { moveNames } from './settle-names.ts';

/** The result of a stage. With failures the root keeps everything of its earlier record. */
export interface Staged {
  readonly plan: Plan;
  readonly failures: readonly FetchFailure[];
  /** The findings that keep the root from being ready. */
  readonly findings: readonly Finding[];
  /** Whether anything had to be done. If not, nothing was written. */
  readonly changed: boolean;
}

/** A root that was read and can be planned once the situation is known. */
export interface Stageable {
  /** The root's id, or a function that finds the id by the situation: that costs one more look. */
  readonly id: string | ((situation: Situation) => string);
  /** The engines of the root's bindings. */
  readonly engines: ReadonlySet<EngineId>;
  /** Whether no other engine is looked at, although the record may have images on others. */
  readonly isPart?: boolean;
  /** Makes the plan from the situation, under the locks. */
  readonly plan: (situation: Situation) => Promise<Plan>;
}

/**
 * Makes a running root use the images that were fetched and pinned: moves names, restarts services.
 *
 * @returns the images that the names mean afterwards.
 */
export type PutToUse = (record: RootRecord, whole: Contents) => Promise<Contents>;

/**
 * Stages a root: fetches, pins, names, verifies, records, and only then unpins images that the root
 * does not need any more.
 *
 * A stage that fails, or is killed at any moment, leaves earlier roots as they were. The images that
 * it fetched are pinned, so that the next stage goes on from there.
 *
 * @param putToUse is called before names move; if given, it is called even if nothing was fetched.
 * @throws {BerthError} `no-space` before anything is fetched; `other-engine`.
 */
export async function stage(
  given: Context,
  { id: rootId, engines, isPart = false, plan }: Stageable,
  putToUse?: PutToUse,
): Promise<Staged> {
  return changing(given, 'shared', async () => {
    const id = typeof rootId === 'string' ? rootId : rootId(await recoverSituation(given));
    const context = aboutRoot(given, id);
    const looked: Looked = isPart ? { exactly: engines } : { root: id, engines };
    return changingRoot(context, id, async () => {
      const situation = await recoverSituation(context, looked);
      refuseElsewhere(situation, id);
      const planned = await plan(situation);
      if (planned.lack !== undefined) throw planned.lack;
      const staged = await carryOut(context, planned, situation, looked, putToUse);
      for (const { engine } of situation.engines.values()) await engine.renewPins?.();
      await settleDepots(context, situation, looked);
      if (isStaged(staged)) await (await context.loaded?.())?.staged(meaningsIn(planned));
      return staged;
    });
  });
}

/** The names that could not be resolved, and those whose images could not be fetched. */
export function failuresOf({ plan, failures }: Staged): readonly NameFailure[] {
  return [
    ...plan.failures,
    ...failures.map(({ image: { id, names }, error }) => ({
      name: names[0]?.name ?? id,
      error,
      wantedBy: unitsOf(names.flatMap(({ references }) => references)),
    })),
  ];
}

function isStaged({ plan, failures, findings }: Staged): boolean {
  const isWhole = findings.every(({ code }) => isOfRoot(code));
  return isWhole && failures.length === 0 && plan.failures.length === 0;
}

function meaningsIn({ images }: Plan) {
  return images.flatMap(({ names, manifest }) => names.map(({ name }) => ({ name, manifest })));
}

/** The result of staging if there is nothing to do, else undefined. */
export function resultIfUpToDate(plan: Plan, situation: Situation): Staged | undefined {
  const before = situation.records.get(plan.root.id);
  const known = broughtByBerth(situation);
  const findings = findingsIfUpToDate(plan, contentsOf(plan, known, before), before, situation);
  return findings && { plan, failures: [], findings, changed: false };
}

async function carryOut(
  context: Context,
  plan: Plan,
  situation: Situation,
  looked: Looked,
  putToUse: PutToUse | undefined,
): Promise<Staged> {
  const upToDate = putToUse === undefined ? resultIfUpToDate(plan, situation) : undefined;
  if (upToDate !== undefined) return upToDate;
  const before = situation.records.get(plan.root.id);
  const known = broughtByBerth(situation);
  const wanted = contentsOf(plan, known, before);
  const identity = identityOf(plan, context, before);
  const record = transitions.begun(before, identity, begunWith(wanted, situation, before), known);
  const isNew = !isDeepStrictEqual(before?.staged, wanted);
  // An apply that was killed goes on from the begun record, even if that record wants nothing new.
  const isBegun = isNew || putToUse !== undefined || before?.pending !== undefined;
  if (isBegun) context.state.write(record);
  const { failures, brought } = await fetchImages(
    context,
    plan,
    situation,
    known,
    pinnedRecord(record, wanted),
  );
  const noted = withArtifacts(record.pending, brought);
  const begun = noted ? transitions.begun(record, identity, noted, brought) : record;
  if (noted !== undefined) context.state.write(begun);
  context.signal.throwIfAborted();
  const isFailed = failures.length > 0 || plan.failures.length > 0;
  if (isFailed) return { plan, failures, findings: [], changed: true };
  if (isOnlyDownloaded(plan)) {
    const findings = await lackOfDownload(context, begun, looked);
    return { plan, failures, findings, changed: true };
  }
  const images = wanted.images.map((image) => ({ ...image, fetched: brought.has(placeOf(image)) }));
  const whole = { ...wanted, images };
  const contents = (await putToUse?.(begun, whole)) ?? whole;
  const drift = putToUse === undefined ? driftAfter(before, wanted) : [];
  const after = transitions.staged(begun, contents, drift, brought);
  return { plan, failures, findings: await finish(context, after, before, looked), changed: true };
}

/** Whether images are downloaded that an engine could take at once. */
function isOnlyDownloaded({ images }: Plan): boolean {
  return images.some(({ way, waits }) => way === 'download' && !waits);
}

function identityOf(
  { root }: Plan,
  { engines }: Context,
  before: RootRecord | undefined,
): transitions.Identity {
  const deployment = root.deployment ?? before?.deployment;
  const { id, location } = root;
  const engine = engines.all ?? engines.only ?? engines.usual;
  return { id, location, engine, ...(deployment === undefined ? {} : { deployment }) };
}

/** The codes of the findings that a stage which only downloads can mend. */
const DOWNLOADABLE: ReadonlySet<Finding['code']> = new Set([
  'problem',
  'image-missing',
  'pin-missing',
  'digest-missing',
]);

/** The findings on a stage whose images are all downloaded, without those that unpacking mends. */
async function lackOfDownload(
  context: Context,
  record: RootRecord & { readonly pending: Contents },
  looked: Looked,
): Promise<readonly Finding[]> {
  const { pending, ...rest } = record;
  const findings = judge({ ...rest, staged: pending }, await readSituation(context, looked));
  return findings.filter(({ code }) => DOWNLOADABLE.has(code));
}

/**
 * The findings that keep the root from being ready although there is nothing to do; undefined if there
 * is something to do, as the record or the engine lacks something that the plan wants.
 */
function findingsIfUpToDate(
  plan: Plan,
  wanted: Contents,
  before: RootRecord | undefined,
  situation: Situation,
): readonly Finding[] | undefined {
  if (before?.staged === undefined || before.pending !== undefined) return undefined;
  if (before.removed !== undefined) return undefined;
  if (before.location !== plan.root.location || plan.failures.length > 0) return undefined;
  const { deployment } = plan.root;
  if (deployment !== undefined && !isDeepStrictEqual(deployment, before.deployment)) {
    return undefined;
  }
  if (!isDeepStrictEqual(before.staged, { ...wanted, time: before.staged.time })) return undefined;
  const places = new Set(wantedImages(before).map(placeOf));
  const own = pinsIn(situation).filter(({ root }) => root === before.id);
  if (own.some((pin) => !places.has(placeOf(pin)))) return undefined;
  const findings = judge(before, situation);
  return findings.every(({ code }) => isOfRoot(code)) ? findings : undefined;
}

/** Moves names, checks, writes the record, and unpins what is left over, in this order. */
async function finish(
  context: Context,
  record: RootRecord & { readonly staged: Contents },
  before: RootRecord | undefined,
  looked: Looked,
): Promise<readonly Finding[]> {
  const situation = withRecord(await readSituation(context, looked), record);
  for (const on of situation.engines.values()) {
    if (absenceFor(on.engine, record.staged) !== undefined) continue;
    const [own, earlier] = [on.records.get(record.id), before && only(before, on.engine.id)];
    // The earlier names of the root are moved too: other roots may have waited for them.
    const names = [...namesOf(own), ...namesOf(earlier)];
    const moving = { records: on.records, running: situation.running };
    await moveNames(onEngine(context, on.engine), moving, names, earlier ?? own);
  }
  const after = withRecord(await readSituation(context, looked), record);
  const findings = judge(record, after);
  // If images were removed meanwhile, the root is not staged, and the earlier record remains.
  if (findings.some(({ code }) => !isOfRoot(code))) return findings;
  context.state.write(record);
  const wanted = new Set(wantedImages(record).map(placeOf));
  for (const { engine, pins } of after.engines.values()) {
    const stale = pins.filter((pin) => pin.root === record.id && !wanted.has(placeOf(pin)));
    if (stale.length > 0) await engine.unpin(stale);
  }
  return findings;
}

function only(record: RootRecord, id: EngineId): RootRecord {
  return onEngines(record, (engine) => engine === id);
}

/** The situation with a record that is not written yet. */
function withRecord(situation: Situation, record: RootRecord): Situation {
  const records = new Map(situation.records).set(record.id, record);
  const engines = new Map(
    [...situation.engines].map(([id, on]) => [id, { ...on, records: recordsOn(records, id) }]),
  );
  return { ...situation, records, engines };
}

function namesOf(record: RootRecord | undefined): string[] {
  const images = record?.staged?.images ?? [];
  return images.flatMap((image) => image.names.map(({ name }) => name));
}
