import type { PinRequest } from '../engine/engine.ts';
import { BerthError } from '../errors.ts';
import {
  type Context,
  changing,
  readSituation,
  recoverSituation,
  type Situation,
} from './context.ts';
import { type FetchFailure, fetchImages } from './fetch.ts';
import { moveNames } from './names.ts';
import type { Plan, PlannedImage } from './plan.ts';
import { broughtByBerth } from './provenance.ts';
import {
  API_VERSION,
  type Contents,
  type Released,
  type RootRecord,
  wantedImages,
} from './record.ts';
import { writeRecord } from './records.ts';
import { mergeReleased } from './released.ts';
import { type Finding, judge } from './verify.ts';

/** What came of a staging. With failures nothing of the root's earlier record was let go. */
export interface Staged {
  readonly plan: Plan;
  readonly failures: readonly FetchFailure[];
  /** What keeps the root from being ready; empty when it is. */
  readonly findings: readonly Finding[];
  /** Downloaded, in bytes, by the plan. */
  readonly bytes: number;
}

/**
 * Stages a root: fetch, pin, name, verify, record, and only then let go of what the root's
 * earlier record alone held.
 *
 * Killed at any moment, or failed, it leaves earlier roots as they were; what it fetched is
 * pinned and known by the `pending` part of the record, so that the next try goes on from there.
 *
 * @param plan makes the plan, under the lock, from what is there then.
 * @throws {BerthError} `no-space` before anything is fetched.
 */
export async function stage(
  context: Context,
  plan: (situation: Situation) => Promise<Plan>,
): Promise<Staged> {
  return changing(context, 'shared', async () => {
    const situation = await recoverSituation(context);
    const planned = await plan(situation);
    if (planned.bytes > planned.free) throw noSpace(planned);
    const brought = broughtByBerth(situation.records, situation.pins);
    const before = situation.records.get(planned.root.id);
    const contents = contentsOf(planned, brought, before);
    const pending: RootRecord = {
      apiVersion: API_VERSION,
      kind: 'Record',
      id: planned.root.id,
      location: planned.root.location,
      engine: context.engine.name,
      ...(before?.staged === undefined ? {} : { staged: before.staged }),
      pending: contents,
      released: releasedBy(before, contents),
    };
    if (before === undefined || !sameContents(before.staged, contents)) {
      writeRecord(context.stateDirectory, pending);
    }
    const failures = await fetchImages(context, planned, requestsOf(planned, contents));
    if (failures.length > 0 || planned.failures.length > 0) {
      return { plan: planned, failures, findings: [], bytes: planned.bytes };
    }
    const { pending: _, ...rest } = pending;
    const record: RootRecord = { ...rest, staged: contents };
    const findings = await finish(context, planned, record, situation);
    return { plan: planned, failures, findings, bytes: planned.bytes };
  });
}

/** Names, checks, records, and lets go of what is left over, in this order. */
async function finish(
  context: Context,
  plan: Plan,
  record: RootRecord,
  before: Situation,
): Promise<readonly Finding[]> {
  const records = new Map(before.records).set(record.id, record);
  const names = plan.images.flatMap((image) => image.names.map(({ name }) => name));
  await moveNames(context, records, names);
  const after = await readSituation(context);
  const findings = judge(record, { ...after, records });
  // A root whose images were taken away meanwhile is not staged: the earlier record stands.
  if (findings.some((finding) => finding.code !== 'problem')) return findings;
  writeRecord(context.stateDirectory, record);
  const wanted = new Set(record.staged?.images.map((image) => image.id));
  const stale = after.pins.filter((pin) => pin.root === record.id && !wanted.has(pin.id));
  if (stale.length > 0) await context.engine.unpin(stale);
  return findings;
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
      fetched: !image.present || brought.has(image.id),
      names: image.names.map(({ name, digest, references }) => ({
        name,
        digest,
        references: [...references],
      })),
    })),
    problems: plan.problems.map(({ code, path, line, message, hint }) => ({
      code,
      path,
      ...(line === undefined ? {} : { line }),
      message,
      hint,
    })),
  };
  // The same as before keeps its time, which the pins carry: so they need not be made again.
  for (const earlier of [before?.staged, before?.pending]) {
    if (sameHolds(earlier, contents)) return { ...contents, time: earlier.time };
  }
  return contents;
}

/** Whether two contents are pinned alike, whatever files they stand in. */
function sameHolds(earlier: Contents | undefined, contents: Contents): earlier is Contents {
  const holds = ({ images, problems }: Contents) =>
    [
      String(problems.length),
      ...images.map(({ id, fetched, names }) =>
        [id, fetched, ...names.map(({ name, digest }) => `${name} ${digest}`)].join(' '),
      ),
    ]
      .sort()
      .join('\n');
  return earlier !== undefined && holds(earlier) === holds(contents);
}

function sameContents(earlier: Contents | undefined, contents: Contents): boolean {
  return JSON.stringify(earlier) === JSON.stringify(contents);
}

/** What berth fetched for earlier stagings of this root and this one does not want. */
function releasedBy(before: RootRecord | undefined, contents: Contents): Released[] {
  if (before === undefined) return [];
  const wanted = new Set(contents.images.map((image) => image.id));
  return mergeReleased(before.released, wantedImages(before)).filter(({ id }) => !wanted.has(id));
}

function requestsOf(plan: Plan, contents: Contents): ReadonlyMap<PlannedImage, PinRequest> {
  const requests = new Map<PlannedImage, PinRequest>();
  for (const [index, image] of plan.images.entries()) {
    const recorded = contents.images[index];
    if (recorded === undefined) continue;
    requests.set(image, {
      id: image.id,
      platform: image.platform,
      fetched: recorded.fetched,
      names: image.names.map(({ name, digest }) => ({ name, digest, manifest: image.manifest })),
      record: {
        location: plan.root.location,
        images: contents.images.length,
        problems: contents.problems.length,
        staged: contents.time,
      },
    });
  }
  return requests;
}

function noSpace(plan: Plan): BerthError {
  return new BerthError(
    'no-space',
    `staging ${plan.root.id} needs ${plan.bytes} bytes to download, ${plan.free} are free in ${plan.engine.directory}`,
    { hint: 'make space there; `berth prune` removes what released roots left', kind: 'refused' },
  );
}
