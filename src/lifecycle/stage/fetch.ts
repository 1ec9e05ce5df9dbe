import type { EngineId } from '../../common/engine-id.ts';
import { BerthError } from '../../common/errors.ts';
import { mapLimited } from '../../common/limited.ts';
import { Semaphore } from '../../common/semaphore.ts';
import type { PinRequest } from '../../engine/pin.ts';
import { placeOf } from '../../state/record.ts';
import { type Context, onEngine } from '../context.ts';
import type { Plan } from '../plan/plan.ts';
import type { PlannedImage } from '../plan/planned-image.ts';
import { type Situation, situationOn } from '../situation.ts';
import { bringNames, bytesOf, fetchesOf } from './bring-names.ts';
import { isHeld } from './by-depot.ts';

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
  const coming = { downloads: new Semaphore(downloadsAtATime(plan)), busy: new Set<EngineId>() };
  const fetchOne = async (image: PlannedImage) => {
    context.signal.throwIfAborted();
    if ([...failed.values()].some(({ code }) => code === 'no-space')) return;
    const on = onEngine(context, situationOn({ engines }, image.engine).engine);
    const { id } = image;
    const name = image.names[0]?.name ?? id;
    const request = requestFor(image, record);
    try {
      const isMissing = await bringNames(on, plan.root.id, image, request, coming);
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
      const event = error.kind === 'waits' ? 'fetch-deferred' : 'fetch-failed';
      on.report({ event, id, name, code: error.code, message: error.message });
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
