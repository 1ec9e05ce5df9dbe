import type { Blob, ResolvedImage } from '../../image/resolved.ts';
import { RegistryError } from '../../registry/errors.ts';
import type { Depot, ImageBytes } from '../depot.ts';
import { accessOf, type Source } from '../source.ts';

/** An image whose bytes are on this machine, and the blobs of the image that the engine lacks. */
export interface AtHand {
  readonly from: ImageBytes;
  readonly blobs: readonly Blob[];
}

/**
 * Finds an image on this machine: in its source, if that is a layout, or else in the depot, if every blob
 * that the engine lacks is there.
 */
export async function atHand(
  image: ResolvedImage,
  source: Source,
  depot: Depot | undefined,
  lackingBlobs: () => Promise<readonly Blob[]>,
  signal: AbortSignal | undefined,
): Promise<AtHand | undefined> {
  if (source.from === 'layout') {
    const { images } = source;
    // The engine should have the blobs that the layout lacks. If not, loading fails, and the engine says so.
    return { from: images, blobs: image.blobs.filter(({ digest }) => images.has(digest)) };
  }
  if (depot?.find(image.name, image) === undefined) return undefined;
  const blobs = await lackingBlobs();
  if (!blobs.every((blob) => depot.has(blob))) return undefined;
  // The image may be stored under another name. If berth refuses it under this one, the engine is asked to pull
  // the image, as if nothing were at hand.
  const isPermitted = await permitted(depot, image, source, signal);
  return isPermitted ? { from: depot.images, blobs } : undefined;
}

async function permitted(
  depot: Depot,
  image: ResolvedImage,
  source: Source,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  try {
    await depot.permit(image, accessOf(source), { signal });
    return true;
  } catch (error) {
    if (error instanceof RegistryError && error.code === 'policy-rejected') return false;
    throw error;
  }
}
