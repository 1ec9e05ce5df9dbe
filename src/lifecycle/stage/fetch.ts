import type { EngineId } from '../../common/engine-id.ts';
import { BerthError } from '../../common/errors.ts';
import { mapLimited } from '../../common/limited.ts';
import { Semaphore } from '../../common/semaphore.ts';
import type { Depot } from '../../engine/depot.ts';
import type { Engine } from '../../engine/engine.ts';
import type { PinRequest } from '../../engine/pin.ts';
import { accessOf, signaturesBeside } from '../../engine/source.ts';
import { type Blob, type ResolvedImage, sizeOf } from '../../image/resolved.ts';
import { placeOf } from '../../state/record.ts';
import { type Context, type EngineContext, onEngine } from '../context.ts';
import { LifecycleError } from '../error.ts';
import type { Plan } from '../plan/plan.ts';
import type { PlannedFetch, PlannedImage } from '../plan/planned-image.ts';
import type { Way } from '../plan/way.ts';
import { type Situation, situationOn } from '../situation.ts';
import { arrived } from './arrived.ts';
import { type Bring, bringInParts } from './in-parts.ts';

export interface FetchFailure {
  readonly image: PlannedImage;
  readonly error: BerthError;
}

/** The result of fetching a plan. */
export interface Fetched {
  readonly failures: readonly FetchFailure[];
  /** The images that berth brought, now or before, as `placeOf` writes them. */
  readonly brought: ReadonlySet<string>;
}

/**
 * Fetches and pins each image of a plan, on each engine the largest download first. An image is pinned as
 * soon as it is there, so that nothing takes it while others are on their way; an image that is only
 * downloaded is held in the depot instead. A failure does not stop the other images, unless the disk is full.
 *
 * @param before the images that berth brought earlier, as `placeOf` writes them.
 * @param record what the pins say of the record.
 */
export async function fetchImages(
  context: Context,
  plan: Plan,
  { engines }: Pick<Situation, 'engines'>,
  before: ReadonlySet<string>,
  record: PinRequest['record'],
): Promise<Fetched> {
  const failed = new Map<PlannedImage, BerthError>();
  const brought = new Set(before);
  const downloads = new Semaphore(downloadsAtATime(plan));
  const begun = new Set<EngineId>();
  const fetchOne = async (image: PlannedImage) => {
    context.signal.throwIfAborted();
    if ([...failed.values()].some(({ code }) => code === 'no-space')) return;
    const on = onEngine(context, situationOn({ engines }, image.engine).engine);
    const { id } = image;
    const name = image.names[0]?.name ?? id;
    const request = requestFor(image, record);
    try {
      // Later images come while the engine is busy with an earlier one.
      const isFirst = !begun.has(image.engine);
      begun.add(image.engine);
      const isMissing = await bringNames(on, plan.root.id, image, request, downloads, isFirst);
      if (isMissing) brought.add(placeOf(image));
      // Engines have no pins for artifacts.
      if (image.artifact === true) return;
      if (image.waits || fetchesOf(image).some((one) => isHeld(one, image.way))) return;
      const fetched = brought.has(placeOf(image));
      on.report({ event: 'pinning', id, name, root: plan.root.id });
      await on.engine.pin(plan.root.id, [{ ...request, fetched }]);
      on.report({ event: 'pinned', id, name, root: plan.root.id });
    } catch (error) {
      if (!(error instanceof BerthError)) throw error;
      on.report({ event: 'fetch-failed', id, name, code: error.code, message: error.message });
      failed.set(image, error);
    }
  };
  sayPlanned(context, plan);
  const order = plan.images.toSorted((a, b) => bytesOf(b) - bytesOf(a));
  const each = [...Map.groupBy(order, ({ engine }) => engine)].map(([id, own]) => {
    const { concurrency } = situationOn({ engines }, id).engine;
    return () => mapLimited(own, concurrency, fetchOne);
  });
  await mapLimited(each, each.length, (begin) => begin());
  const failures = plan.images.flatMap((image) => {
    const error = failed.get(image);
    return error === undefined ? [] : [{ image, error }];
  });
  return { failures, brought };
}

/** Tells all images that will come. A layer of several images comes once: their bytes are parts of the whole. */
function sayPlanned({ report }: Context, { images, bytes: download }: Plan): void {
  const coming = images.filter((image) => fetchesOf(image).length > 0);
  const loads = coming.reduce((sum, image) => sum + image.loads, 0);
  const all = coming.reduce((sum, image) => sum + bytesOf(image), 0);
  let [rest, restOfAll] = [Math.min(download + loads, all), all];
  for (const image of coming) {
    const { engine, id } = image;
    const own = bytesOf(image);
    const bytes = restOfAll === 0 ? 0 : Math.round((rest * own) / restOfAll);
    [rest, restOfAll] = [rest - bytes, restOfAll - own];
    report({ event: 'fetch-planned', engine, id, name: image.names[0]?.name ?? id, bytes });
  }
}

/**
 * How many images are downloaded into depots at a time. Images that are unpacked as soon as they have come
 * are downloaded one at a time: if all came at once, none would be whole until the end.
 */
function downloadsAtATime({ images }: Plan): number {
  return images.some(({ way }) => way === 'two-steps') ? 1 : Math.max(1, images.length);
}

function requestFor(
  { id, platform, manifest, names }: PlannedImage,
  record: PinRequest['record'],
): Omit<PinRequest, 'fetched'> {
  const served = names.map(({ name, digest }) => ({ name, digest, manifest }));
  return { id, platform, names: served, record };
}

/**
 * Brings an image under every name by digest: if the engine did not know the image by one of its names, a
 * unit with that name would pull again.
 *
 * @param isFirst whether the engine has nothing to unpack until this image comes.
 * @returns whether the image was not there before. Somebody else may have brought the image since the plan
 *   was made, and then it is theirs.
 */
async function bringNames(
  { engine, signal, report }: EngineContext,
  root: string,
  image: PlannedImage,
  request: Omit<PinRequest, 'fetched'>,
  downloads: Semaphore,
  isFirst: boolean,
): Promise<boolean> {
  const fetches = fetchesOf(image);
  if (fetches.length === 0) return false;
  const { id, way } = image;
  const name = image.names[0]?.name ?? id;
  const bytes = bytesOf(image);
  const isMissing = !image.present && (image.waits || !(await engine.has(id)));
  const isComing = bytes > 0 || isMissing;
  if (isComing) report({ event: 'fetch-started', id, name, bytes });
  let before = 0;
  const progress = (come: number) => {
    if (bytes > 0) report({ event: 'fetch-progress', id, name, bytes: come });
  };
  const { depot } = way === 'direct' ? {} : engine;
  const hold = { root, request: { ...request, fetched: isMissing } };
  for (const one of fetches) {
    const isWaiting =
      depot !== undefined && comesByDepot(one, way) && (await mayWait(depot, one, way, signal));
    const blobs = isWaiting ? await missingOf(engine, depot, one.image, image.waits) : [];
    const ahead =
      isFirst && way === 'two-steps' ? engine.unpackAhead?.(one.image, signal) : undefined;
    try {
      if (isWaiting && !isAtHand(depot, way, one, blobs)) {
        const bring: Bring = (part, here) => {
          const onBytes = (total: number) => progress(before + here + total);
          return depot.bring(hold, one.image, part, one.source, { signal, onBytes });
        };
        await downloads.run(bytes, () => bringInParts(one.image, blobs, bring, ahead));
        before += sizeOf(blobs);
      }
      if (way === 'download' && one.image.artifact !== true) continue;
      // A waiting image is all here: only one that comes now makes progress.
      const onBytes = (here: number) => progress(arrived(here, one.image, bytes));
      await engine.fetch(one.image, one.source, isWaiting ? { signal } : { signal, onBytes });
    } finally {
      await ahead?.end();
    }
  }
  if (isComing) report({ event: 'fetched', id, name });
  return isMissing;
}

async function missingOf(
  engine: Engine,
  depot: Depot,
  image: ResolvedImage,
  waits: boolean,
): Promise<readonly Blob[]> {
  // Nobody knows which blobs an absent engine has.
  if (waits) return depot.missing(image.blobs);
  const { images } = await engine.footprint([image]);
  return images.flatMap(({ missing }) => missing);
}

/** The bytes of an image that come, from its registry or from a layout. */
function bytesOf({ bytes, loads }: PlannedImage): number {
  return bytes + loads;
}

function fetchesOf({ names }: PlannedImage): readonly PlannedFetch[] {
  return names.flatMap(({ fetch }) => (fetch === undefined ? [] : [fetch]));
}

/**
 * An image in a layout is read where it is, and one that the engine knows by that digest is there. An
 * artifact never waits: nothing has to unpack it.
 */
function comesByDepot({ image, source, isKnown }: PlannedFetch, way: Way): boolean {
  if (isKnown || image.artifact === true) return false;
  return source.from === 'registry' || way === 'download';
}

/** Whether an image waits in the depot from now on. */
function isHeld(one: PlannedFetch, way: Way): boolean {
  return way === 'download' && comesByDepot(one, way);
}

/** Whether an image needs no network now. An image that is only downloaded has to be held as well. */
function isAtHand(
  depot: Depot,
  way: Way,
  { image }: PlannedFetch,
  missing: readonly unknown[],
): boolean {
  return way === 'two-steps' && missing.length === 0 && depot.find(image.name, image) !== undefined;
}

/**
 * Whether an image may wait in the depot. One that berth must not download, or that the engine can't take
 * from there, the engine may fetch itself.
 */
async function mayWait(
  depot: Depot,
  { image, source }: PlannedFetch,
  way: Way,
  signal: AbortSignal,
): Promise<boolean> {
  if (!depot.serves(image)) {
    if (way !== 'download') return false;
    const message = `${image.name} (${image.platform}) can't wait for the engine, which takes such an image from a registry alone`;
    throw new LifecycleError('only-direct', message, {
      hint: 'leave it to `berth stage`, while there is a network',
      kind: 'refused',
    });
  }
  try {
    const beside = () => signaturesBeside(source, image);
    await depot.permit(image, accessOf(source), { signal, beside });
    return true;
  } catch (error) {
    const isRejected = error instanceof BerthError && error.code === 'policy-rejected';
    if (way === 'download' || !isRejected) throw error;
    return false;
  }
}
