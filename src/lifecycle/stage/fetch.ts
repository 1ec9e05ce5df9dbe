import { BerthError } from '../../common/errors.ts';
import { mapLimited } from '../../common/limited.ts';
import { Semaphore } from '../../common/semaphore.ts';
import type { Depot } from '../../engine/depot.ts';
import type { Engine } from '../../engine/engine.ts';
import type { PinRequest } from '../../engine/pin.ts';
import { accessOf } from '../../engine/source.ts';
import { type Blob, type ResolvedImage, sizeOf } from '../../image/resolved.ts';
import type { Context } from '../context.ts';
import { LifecycleError } from '../error.ts';
import type { Plan } from '../plan/plan.ts';
import type { PlannedFetch, PlannedImage } from '../plan/planned-image.ts';
import { arrived } from './arrived.ts';

export interface FetchFailure {
  readonly image: PlannedImage;
  readonly error: BerthError;
}

/** The result of fetching a plan. */
export interface Fetched {
  readonly failures: readonly FetchFailure[];
  /** The ids of the images that berth brought, now or before. */
  readonly brought: ReadonlySet<string>;
}

/**
 * Fetches and pins each image of a plan, the largest download first, and each pinned as soon as
 * it is there, so that nothing takes it while the others are on their way; what is only to be
 * downloaded is held in the depot instead. One that fails does not stop the others, but for a full
 * disk.
 *
 * @param before the ids of the images that berth brought earlier.
 * @param record what the pins say of the record.
 */
export async function fetchImages(
  context: Context,
  plan: Plan,
  before: ReadonlySet<string>,
  record: PinRequest['record'],
): Promise<Fetched> {
  const failed = new Map<PlannedImage, BerthError>();
  const brought = new Set(before);
  const places = new Semaphore(plan.way === 'two-steps' ? 1 : context.engine.concurrency);
  const order = plan.images.toSorted((a, b) => bytesOf(b) - bytesOf(a));
  await mapLimited(order, context.engine.concurrency, async (image) => {
    const { id, platform, manifest } = image;
    const name = image.names[0]?.name ?? id;
    context.signal.throwIfAborted();
    if ([...failed.values()].some(({ code }) => code === 'no-space')) return;
    try {
      const names = image.names.map((served) => ({ ...pick(served), manifest }));
      const request = { id, platform, names, record };
      const isMissing = await bringNames(context, plan, image, name, request, places);
      if (isMissing) brought.add(id);
      if (plan.way === 'download' && fetchesOf(image).some(comesByDepot)) return;
      const fetched = brought.has(id);
      await context.engine.pin(plan.root.id, [{ ...request, fetched }]);
      context.report({ event: 'pinned', id, name, root: plan.root.id });
    } catch (error) {
      if (!(error instanceof BerthError)) throw error;
      context.report({ event: 'fetch-failed', id, name, code: error.code, message: error.message });
      failed.set(image, error);
    }
  });
  const failures = plan.images.flatMap((image) => {
    const error = failed.get(image);
    return error === undefined ? [] : [{ image, error }];
  });
  return { failures, brought };
}

/**
 * Every name by its digest: an engine must know the image by each, or a unit that names it by one
 * would pull again.
 *
 * @returns whether the image was not there before: somebody else may have brought it since the
 * plan was made, and then it is theirs.
 */
async function bringNames(
  context: Context,
  plan: Plan,
  image: PlannedImage,
  name: string,
  request: Omit<PinRequest, 'fetched'>,
  places: Semaphore,
): Promise<boolean> {
  const fetches = fetchesOf(image);
  if (fetches.length === 0) return false;
  const { id } = image;
  const bytes = bytesOf(image);
  const { engine, signal } = context;
  const isMissing = !image.present && !(await engine.has(id));
  if (bytes > 0) context.report({ event: 'fetch-started', id, name, bytes });
  let before = 0;
  const progress = (come: number) => {
    if (bytes > 0) context.report({ event: 'fetch-progress', id, name, bytes: come });
  };
  const { depot } = plan.way === 'direct' ? {} : engine;
  const hold = { root: plan.root.id, request: { ...request, fetched: isMissing } };
  for (const one of fetches) {
    const isWaiting =
      depot !== undefined && comesByDepot(one) && (await mayWait(context, depot, plan, one));
    const blobs = isWaiting ? await missingOf(engine, one.image) : [];
    if (isWaiting && !isAtHand(depot, plan, one, blobs)) {
      // Images are downloaded one at a time: if all came at once, none would be whole and could be unpacked
      // until the end.
      const onBytes = (total: number) => progress(before + total);
      await places.run(bytes, () =>
        depot.bring(hold, one.image, blobs, one.source, { signal, onBytes }),
      );
      before += sizeOf(blobs);
    }
    if (plan.way === 'download') continue;
    // A waiting image is all here: only one that comes now makes progress.
    const onBytes = (here: number) => progress(arrived(here, one.image, bytes));
    await engine.fetch(one.image, one.source, isWaiting ? { signal } : { signal, onBytes });
  }
  if (bytes > 0) context.report({ event: 'fetched', id, name });
  return isMissing;
}

async function missingOf(engine: Engine, image: ResolvedImage): Promise<readonly Blob[]> {
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

/** An image in a layout waits where it is, and one that the engine knows by that digest is there. */
function comesByDepot({ source, isKnown }: PlannedFetch): boolean {
  return source.from === 'registry' && !isKnown;
}

/** Whether an image needs no network now. An image that is only downloaded has to be held as well. */
function isAtHand(
  depot: Depot,
  { way }: Plan,
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
  { signal }: Context,
  depot: Depot,
  plan: Plan,
  one: PlannedFetch,
): Promise<boolean> {
  const { image, source } = one;
  if (!depot.serves(image)) {
    if (plan.way !== 'download') return false;
    const message = `${image.name} is for ${image.platform}, and the engine takes such an image from a registry alone`;
    throw new LifecycleError('only-direct', message, {
      hint: 'leave it to `berth stage`, while there is a network',
      kind: 'refused',
    });
  }
  try {
    await depot.permit(image, accessOf(source), { signal });
    return true;
  } catch (error) {
    const isRejected = error instanceof BerthError && error.code === 'policy-rejected';
    if (plan.way === 'download' || !isRejected) throw error;
    return false;
  }
}

function pick({ name, digest }: PlannedImage['names'][number]) {
  return { name, digest };
}
