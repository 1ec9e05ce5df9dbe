import { setTimeout as delay } from 'node:timers/promises';
import type { PodmanApi } from '../api/api.ts';
import { TornImageError } from '../api/torn-image.ts';
import { listImages } from './images.ts';
import { removeImage } from './remove.ts';

/**
 * In milliseconds: an image's manifest is written within this time after its entry on the list. Another
 * podman may be writing it just now.
 */
const FINISHED_IN_MS = 1000;

/** A podman that names more half-written images than this is at fault itself. */
const MOST = 1000;

/**
 * Removes half-written images one after the other, because podman names only one at a time. An image is
 * removed only after podman has named it twice, with some time in between.
 *
 * @returns the ids of the removed images.
 * @throws {TornImageError} for an image that podman still names after its removal, and for one too many.
 */
export async function repairImages(
  api: PodmanApi,
  signal: AbortSignal,
  pause = FINISHED_IN_MS,
): Promise<readonly string[]> {
  const removed: string[] = [];
  for (let last: string | undefined; ; ) {
    const torn = await tornImage(api);
    if (torn === undefined) return removed;
    if (removed.includes(torn.id) || removed.length === MOST) throw torn;
    if (torn.id === last) {
      await removeImage(api, torn.id);
      removed.push(torn.id);
    } else {
      await delay(pause, undefined, { signal });
    }
    last = torn.id;
  }
}

async function tornImage(api: PodmanApi): Promise<TornImageError | undefined> {
  try {
    await listImages(api);
    return undefined;
  } catch (error) {
    if (error instanceof TornImageError) return error;
    throw error;
  }
}
