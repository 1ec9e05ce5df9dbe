import { isDeepStrictEqual } from 'node:util';
import type { NameFailure } from '../../common/limited.ts';
import {
  type Contents,
  type RecordImage,
  type RootRecord,
  wantedImages,
} from '../../state/record.ts';
import * as transitions from '../../state/transitions.ts';
import { type Context, changing, changingRoot } from '../context.ts';
import { aboutRoot } from '../events.ts';
import type { Plan } from '../plan/plan.ts';
import { broughtByBerth, pinsOf } from '../provenance.ts';
import { pinnedRecord } from '../restore-pins.ts';
import { readSituation, recoverSituation, refuseElsewhere, type Situation } from '../situation.ts';
import { type Finding, judge } from '../verify.ts';
import { settleDepot } from '../waiting.ts';
import { type FetchFailure, fetchImages } from './fetch.ts';
import { moveNames } from './settle-names.ts';

/** What came of a staging. With failures nothing of the root's earlier record was let go. */
export interface Staged {
  readonly plan: Plan;
  readonly failures: readonly FetchFailure[];
  /** What keeps the root from being ready; empty when it is. */
  readonly findings: readonly Finding[];
  /** Whether anything had to be done: if not, nothing was written. */
  readonly changed: boolean;
}

/**
 * Puts what is fetched and pinned to use, names and all, in a root that runs.
 *
 * @returns what the names mean then.
 */
export type PutToUse = (record: RootRecord, whole: Contents) => Promise<Contents>;

/**
 * Stages a root: fetch, pin, name, verify, record, and only then let go of what the root's
 * earlier record alone held.
 *
 * Killed at any moment, or failed, it leaves earlier roots as they were; what it fetched is
 * pinned, so that the next try goes on from there.
 *
 * @param rootId the root's id, or what tells it by what is staged already: that costs one more look.
 * @param plan makes the plan, under the locks, from what is there then.
 * @param putToUse is called before names move, and then always, whether or not anything was fetched.
 * @throws {BerthError} `no-space` before anything is fetched; `other-engine`.
 */
export async function stage(
  given: Context,
  rootId: string | ((situation: Situation) => string),
  plan: (situation: Situation) => Promise<Plan>,
  putToUse?: PutToUse,
): Promise<Staged> {
  return changing(given, 'shared', async () => {
    const id = typeof rootId === 'string' ? rootId : rootId(await recoverSituation(given));
    const context = aboutRoot(given, id);
    return changingRoot(context, id, async () => {
      const situation = await recoverSituation(context);
      refuseElsewhere(situation, id);
      const planned = await plan(situation);
      if (planned.lack !== undefined) throw planned.lack;
      const staged = await carryOut(context, planned, situation, putToUse);
      await settleDepot(context);
      if (isStaged(staged)) await (await context.loaded?.())?.staged(meaningsIn(planned));
      return staged;
    });
  });
}

/** What of a staging could not be resolved, or not be fetched. */
export function failuresOf({ plan, failures }: Staged): readonly NameFailure[] {
  return [
    ...plan.failures,
    ...failures.map(({ image, error }) => ({ name: image.names[0]?.name ?? image.id, error })),
  ];
}

function isStaged({ plan, failures, findings }: Staged): boolean {
  const isWhole = findings.every(({ code }) => code === 'problem');
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
  putToUse: PutToUse | undefined,
): Promise<Staged> {
  const upToDate = putToUse === undefined ? resultIfUpToDate(plan, situation) : undefined;
  if (upToDate !== undefined) return upToDate;
  const before = situation.records.get(plan.root.id);
  const known = broughtByBerth(situation);
  const wanted = contentsOf(plan, known, before);
  const record = transitions.begun(before, identityOf(plan, context, before), wanted, known);
  const isNew = !isDeepStrictEqual(before?.staged, wanted);
  // A stage that puts to use goes on from the begun record when it is killed, even where that wants
  // nothing new.
  const isBegun = isNew || putToUse !== undefined || before?.pending !== undefined;
  if (isBegun) context.state.write(record);
  const { failures, brought } = await fetchImages(
    context,
    plan,
    known,
    pinnedRecord(record, wanted),
  );
  context.signal.throwIfAborted();
  const isFailed = failures.length > 0 || plan.failures.length > 0;
  if (isFailed) return { plan, failures, findings: [], changed: true };
  if (plan.way === 'download') {
    return { plan, failures, findings: await lackOfDownload(context, record), changed: true };
  }
  const images = wanted.images.map((image) => ({ ...image, fetched: brought.has(image.id) }));
  const whole = { ...wanted, images };
  const contents = (await putToUse?.(record, whole)) ?? whole;
  const drift = putToUse === undefined ? driftAfter(before, wanted) : [];
  const after = transitions.staged(record, contents, drift, brought);
  return { plan, failures, findings: await finish(context, after, before), changed: true };
}

function identityOf(
  { root }: Plan,
  { engine }: Context,
  before: RootRecord | undefined,
): transitions.Identity {
  const deployment = root.deployment ?? before?.deployment;
  const { id, location } = root;
  return { id, location, engine: engine.id, ...(deployment === undefined ? {} : { deployment }) };
}

/** The codes of the findings that a stage which only downloads can mend. */
const DOWNLOADABLE: ReadonlySet<Finding['code']> = new Set([
  'problem',
  'image-missing',
  'pin-missing',
  'digest-missing',
]);

/** What a begun stage of which everything is downloaded lacks, beside the unpacking. */
async function lackOfDownload(
  context: Context,
  record: RootRecord & { readonly pending: Contents },
): Promise<readonly Finding[]> {
  const { pending, ...rest } = record;
  const findings = judge({ ...rest, staged: pending }, await readSituation(context));
  return findings.filter(({ code }) => DOWNLOADABLE.has(code));
}

/**
 * What keeps the root from being ready, if the record and the engine have all that the plan wants
 * and there is nothing to do.
 */
function findingsIfUpToDate(
  plan: Plan,
  wanted: Contents,
  before: RootRecord | undefined,
  situation: Situation,
): readonly Finding[] | undefined {
  if (before?.staged === undefined || before.pending !== undefined) return undefined;
  if (before.location !== plan.root.location || plan.failures.length > 0) return undefined;
  const { deployment } = plan.root;
  if (deployment !== undefined && !isDeepStrictEqual(deployment, before.deployment)) {
    return undefined;
  }
  if (!isDeepStrictEqual(before.staged, { ...wanted, time: before.staged.time })) return undefined;
  const ids = new Set(wantedImages(before).map(({ id }) => id));
  if ([...pinsOf(before.id, situation.pins).keys()].some((id) => !ids.has(id))) return undefined;
  const findings = judge(before, situation);
  return findings.every(({ code }) => code === 'problem') ? findings : undefined;
}

/** What still is drift when `wanted` is staged: a name that now means just that is none. */
function driftAfter(before: RootRecord | undefined, wanted: Contents): RecordImage[] {
  return (before?.drift ?? []).flatMap((image) => {
    const names = image.names.filter(({ name }) =>
      wanted.images.some(
        ({ id, names }) => id !== image.id && names.some((served) => served.name === name),
      ),
    );
    return names.length === 0 ? [] : [{ ...image, names }];
  });
}

/** Names, checks, records, and lets go of what is left over, in this order. */
async function finish(
  context: Context,
  record: RootRecord,
  before: RootRecord | undefined,
): Promise<readonly Finding[]> {
  const records = withRecord(await readSituation(context), record);
  // Those that the root meant before as well: others may have waited for them.
  await moveNames(context, records, [...namesOf(record), ...namesOf(before)], before ?? record);
  const after = await readSituation(context);
  const findings = judge(record, { ...after, records: withRecord(after, record) });
  // A root whose images were taken away meanwhile is not staged: the earlier record stands.
  if (findings.some((finding) => finding.code !== 'problem')) return findings;
  context.state.write(record);
  const wanted = new Set(wantedImages(record).map((image) => image.id));
  const stale = after.pins.filter((pin) => pin.root === record.id && !wanted.has(pin.id));
  if (stale.length > 0) await context.engine.unpin(stale);
  return findings;
}

function withRecord({ records }: Situation, record: RootRecord): Situation['records'] {
  return new Map(records).set(record.id, record);
}

function namesOf(record: RootRecord | undefined): string[] {
  const images = record?.staged?.images ?? [];
  return images.flatMap((image) => image.names.map(({ name }) => name));
}

function contentsOf(
  plan: Plan,
  brought: ReadonlySet<string>,
  before: RootRecord | undefined,
): Contents {
  const contents: Contents = {
    time: new Date().toISOString(),
    images: plan.images.map((image) => ({
      id: image.id,
      manifest: image.manifest,
      platform: image.platform,
      size: image.size,
      fetched: brought.has(image.id),
      names: image.names.map(({ name, digest, references }) => ({
        name,
        digest,
        references: [...references],
      })),
      engine: plan.engine.name,
    })),
    problems: plan.problems.map(({ code, path, line, message, hint }) => ({
      code,
      path,
      ...(line === undefined ? {} : { line }),
      message,
      hint,
    })),
    unresolved: plan.failures.map(({ name }) => name),
    ...(plan.provided.length === 0 ? {} : { provided: [...plan.provided] }),
  };
  // The same as before keeps its time, which the pins carry: so they need not be made again.
  for (const earlier of [before?.staged, before?.pending]) {
    if (sameHolds(earlier, contents)) return { ...contents, time: earlier.time };
  }
  return contents;
}

/** Whether two contents are pinned alike, whatever files they stand in. */
function sameHolds(earlier: Contents | undefined, contents: Contents): earlier is Contents {
  const holds = ({ images, problems, unresolved }: Contents) =>
    [
      String(problems.length),
      ...unresolved,
      ...images.map(({ id, names }) =>
        [id, ...names.map(({ name, digest }) => `${name} ${digest}`)].join(' '),
      ),
    ]
      .sort()
      .join('\n');
  return earlier !== undefined && holds(earlier) === holds(contents);
}
