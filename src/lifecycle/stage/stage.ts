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

/** The result of a stage. With failures the root keeps everything of its earlier record. */
export interface Staged {
  readonly plan: Plan;
  readonly failures: readonly FetchFailure[];
  /** The findings that keep the root from being ready. */
  readonly findings: readonly Finding[];
  /** Whether anything had to be done. If not, nothing was written. */
  readonly changed: boolean;
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
 * @param rootId the root's id, or a function that finds the id by the situation: that costs one more look.
 * @param plan makes the plan from the situation, under the locks.
 * @param putToUse is called before names move; if given, it is called even if nothing was fetched.
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

/** The names that could not be resolved, and those whose images could not be fetched. */
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
  // An apply that was killed goes on from the begun record, even if that record wants nothing new.
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

/** The findings on a stage whose images are all downloaded, without those that unpacking mends. */
async function lackOfDownload(
  context: Context,
  record: RootRecord & { readonly pending: Contents },
): Promise<readonly Finding[]> {
  const { pending, ...rest } = record;
  const findings = judge({ ...rest, staged: pending }, await readSituation(context));
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

/** The drift that remains when `wanted` is staged: a name is no drift if it means the wanted image. */
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

/** Moves names, checks, writes the record, and unpins what is left over, in this order. */
async function finish(
  context: Context,
  record: RootRecord,
  before: RootRecord | undefined,
): Promise<readonly Finding[]> {
  const records = withRecord(await readSituation(context), record);
  // The earlier names of the root are moved too: other roots may have waited for them.
  await moveNames(context, records, [...namesOf(record), ...namesOf(before)], before ?? record);
  const after = await readSituation(context);
  const findings = judge(record, { ...after, records: withRecord(after, record) });
  // If images were removed meanwhile, the root is not staged, and the earlier record remains.
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
  // Unchanged contents keep their time. Pins carry the time, and so need not be made again.
  for (const earlier of [before?.staged, before?.pending]) {
    if (sameHolds(earlier, contents)) return { ...contents, time: earlier.time };
  }
  return contents;
}

/** Whether two contents have the same pins, whatever files name the images. */
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
