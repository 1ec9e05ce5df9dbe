import type { Ahead } from '../../engine/ahead.ts';
import { type Blob, type ResolvedImage, sizeOf } from '../../image/resolved.ts';

/**
 * Downloads some blobs of an image.
 *
 * @param here the bytes that came before.
 */
export type Bring = (blobs: readonly Blob[], here: number) => Promise<void>;

/** Blobs that come together, and how many layers are at hand then, from the base up. */
export interface Part {
  readonly blobs: readonly Blob[];
  readonly layers: number;
}

/**
 * In bytes. podman takes about a quarter of a second for a partial image beside the work on its layers, and more than a
 * second to unpack so much.
 */
const LEAST = 32 * 1024 * 1024;

/** In bytes: unpacking ahead gains nothing while less is on its way. */
const LEAST_LEFT = LEAST / 2;

/**
 * Downloads an image; if the engine unpacks ahead, part after part from the base up, so that it has something to
 * unpack while the rest comes.
 *
 * @param missing the blobs to download.
 */
export async function bringInParts(
  image: ResolvedImage,
  missing: readonly Blob[],
  bring: Bring,
  ahead: Ahead | undefined,
): Promise<void> {
  if (ahead === undefined) return bring(missing, 0);
  let here = 0;
  const parts = partsOf(image, missing);
  for (const [i, { blobs, layers }] of parts.entries()) {
    await bring(blobs, here);
    here += sizeOf(blobs);
    if (i < parts.length - 1) ahead.unpack(layers);
  }
}

/** The parts of a download: the config comes with the first, and each is large enough to be worth a partial image. */
export function partsOf(image: ResolvedImage, missing: readonly Blob[]): readonly Part[] {
  const wanted = new Map(missing.map((blob) => [blob.digest, blob]));
  const parts: Part[] = [];
  let part: Blob[] = [];
  let left = sizeOf(missing);
  for (const [index, { digest }] of image.blobs.entries()) {
    const blob = wanted.get(digest);
    if (blob === undefined) continue;
    wanted.delete(digest);
    part.push(blob);
    left -= blob.size;
    if (left < LEAST_LEFT || sizeOf(part) < LEAST) continue;
    parts.push({ blobs: part, layers: index });
    part = [];
  }
  return [...parts, { blobs: part, layers: image.blobs.length - 1 }];
}
