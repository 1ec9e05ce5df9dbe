import { type ResolvedImage, sizeOf } from '../../image/resolved.ts';

/**
 * How many of the missing bytes of an image have come: an engine counts those that were there before
 * as well.
 *
 * @param here the bytes of the image that are here.
 * @param wanted how many bytes were missing before.
 */
export function arrived(here: number, { blobs }: ResolvedImage, wanted: number): number {
  const before = Math.max(0, sizeOf(blobs) - wanted);
  return Math.min(wanted, Math.max(0, here - before));
}
