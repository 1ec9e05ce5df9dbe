import type { EngineId } from '../../common/engine-id.ts';
import type { Semaphore } from '../../common/semaphore.ts';
import type { Depot } from '../../engine/depot.ts';
import type { Unpacked } from '../../engine/fetch-watch.ts';
import type { PinRequest } from '../../engine/pin.ts';
import { sizeOf } from '../../image/resolved.ts';
import type { EngineContext } from '../context.ts';
import type { PlannedFetch, PlannedImage } from '../plan/planned-image.ts';
import { arrived } from './arrived.ts';
import { depotFor, isAtHand, missingOf } from './by-depot.ts';
import { type Bring, bringInParts } from './in-parts.ts';

/** What the images of a stage that come side by side have in common. */
export interface Coming {
  /** Admits the images that are downloaded into depots at a time. */
  readonly downloads: Semaphore;
  /** The engines that have been given an image to unpack, or soon are. */
  readonly busy: Set<EngineId>;
}

/** The image that comes, and whom to tell. */
interface Brought {
  readonly on: EngineContext;
  readonly image: PlannedImage;
  readonly hold: Parameters<Depot['bring']>[0];
  /** Whether the engine has nothing to unpack until this image comes. */
  readonly isFirst: boolean;
  /** Called with the bytes of the image that have come so far. */
  readonly progress: (bytes: number) => void;
  readonly onUnpacked: (unpacked: Unpacked) => void;
}

/**
 * Brings an image under every name by digest: if the engine did not know the image by one of its names, a
 * unit with that name would pull again.
 *
 * @returns whether the image was not there before. Somebody else may have brought the image since the plan
 *   was made, and then it is theirs.
 */
export async function bringNames(
  on: EngineContext,
  root: string,
  image: PlannedImage,
  request: Omit<PinRequest, 'fetched'>,
  coming: Coming,
): Promise<boolean> {
  const fetches = fetchesOf(image);
  if (fetches.length === 0) return false;
  const { engine, report } = on;
  const { id } = image;
  const name = image.names[0]?.name ?? id;
  const bytes = bytesOf(image);
  const isMissing = !image.present && (image.waits || !(await engine.has(id)));
  const isComing = bytes > 0 || isMissing;
  if (isComing) report({ event: 'fetch-started', id, name, bytes });
  const brought: Brought = {
    on,
    image,
    hold: { root, request: { ...request, fetched: isMissing } },
    isFirst: isFirstOf(fetches, image, coming),
    progress: (come) => {
      if (bytes > 0) report({ event: 'fetch-progress', id, name, bytes: come });
    },
    onUnpacked: (unpacked) => report({ event: 'unpack-progress', id, name, ...unpacked }),
  };
  let before = 0;
  for (const one of fetches) before += await bringName(brought, one, before, coming);
  if (isComing) report({ event: 'fetched', id, name });
  return isMissing;
}

/** Whether an image is the first that an engine has to unpack; a name alone is no work for the engine. */
function isFirstOf(
  fetches: readonly PlannedFetch[],
  { engine }: PlannedImage,
  { busy }: Coming,
): boolean {
  if (busy.has(engine) || fetches.every(({ isKnown }) => isKnown)) return false;
  busy.add(engine);
  return true;
}

/**
 * Brings an image under one name.
 *
 * @param before the bytes that came with earlier names.
 * @returns the bytes that were downloaded into the depot.
 */
async function bringName(
  { on, image, hold, isFirst, progress, onUnpacked }: Brought,
  one: PlannedFetch,
  before: number,
  { downloads }: Coming,
): Promise<number> {
  const { engine, signal } = on;
  const { way, waits } = image;
  const depot = await depotFor(engine, one, way, signal);
  const blobs = depot === undefined ? [] : await missingOf(engine, depot, one.image, waits);
  const isAhead = isFirst && way === 'two-steps';
  const ahead = isAhead ? engine.unpackAhead?.(one.image, signal) : undefined;
  const isDownloaded = depot !== undefined && !isAtHand(depot, way, one, blobs);
  try {
    if (isDownloaded) {
      const bring: Bring = (part, here) => {
        const onBytes = (total: number) => progress(before + here + total);
        return depot.bring(hold, one.image, part, one.source, { signal, onBytes });
      };
      const work = () => bringInParts(one.image, blobs, bring, ahead);
      await downloads.run(bytesOf(image), work);
    }
    if (way !== 'download' || one.image.artifact === true) {
      // A waiting image is all here: only one that comes now makes progress.
      const onBytes = (here: number) => progress(arrived(here, one.image, bytesOf(image)));
      const watch = { signal, onUnpacked, ...(depot === undefined ? { onBytes } : {}) };
      await engine.fetch(one.image, one.source, watch);
    }
  } finally {
    await ahead?.end();
  }
  return isDownloaded ? sizeOf(blobs) : 0;
}

/** The bytes of an image that come, from its registry or from a layout. */
export function bytesOf({ bytes, loads }: PlannedImage): number {
  return bytes + loads;
}

/** What brings the image, for each name that the engine does not know. */
export function fetchesOf({ names }: PlannedImage): readonly PlannedFetch[] {
  return names.flatMap(({ fetch }) => (fetch === undefined ? [] : [fetch]));
}
