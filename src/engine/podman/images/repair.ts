import type { PodmanApi } from '../api/api.ts';
import { TornImageError } from '../api/torn-image.ts';
import { listImages, WAITS_FOR_WRITER } from './images.ts';
import { removeImage } from './remove.ts';

/** A podman that names more half-written images than this is at fault itself. */
const MOST = 1000;

/**
 * Removes half-written images one after the other, because podman names only one at a time. An image is
 * removed only if nobody finishes it within `waits`.
 *
 * @param waits as those of `listImages`.
 * @returns the ids of the removed images.
 * @throws {TornImageError} for an image that podman still names after its removal, and for one too many.
 */
export async function repairImages(
  api: PodmanApi,
  signal: AbortSignal,
  waits = WAITS_FOR_WRITER,
): Promise<readonly string[]> {
  const removed: string[] = [];
  for (;;) {
    signal.throwIfAborted();
    const torn = await tornImage(api, waits);
    if (torn === undefined) return removed;
    if (removed.includes(torn.id) || removed.length === MOST) throw torn;
    await removeImage(api, torn.id, waits);
    removed.push(torn.id);
  }
}

async function tornImage(
  api: PodmanApi,
  waits: readonly number[],
): Promise<TornImageError | undefined> {
  try {
    await listImages(api, waits);
    return undefined;
  } catch (error) {
    if (error instanceof TornImageError) return error;
    throw error;
  }
}
