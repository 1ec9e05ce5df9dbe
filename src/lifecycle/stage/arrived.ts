import type { ResolvedImage } from '../../image/resolved.ts';
import { sizeOf } from '../plan/space.ts';

/**
 * How much of what is to come has come: an engine counts what was there before as well.
 *
 * @param here the bytes of the image that are here.
 * @param wanted the bytes that were missing.
 */
export function arrived(here: number, { blobs }: ResolvedImage, wanted: number): number {
  const before = Math.max(0, sizeOf(blobs) - wanted);
  return Math.min(wanted, Math.max(0, here - before));
}
