import type { Blob, ResolvedImage } from '../../../image/resolved.ts';
import { RegistryError } from '../../../registry/errors.ts';
import type { Depot, ImageBytes } from '../../depot.ts';
import { accessOf, type Source } from '../../source.ts';

/** An image whose bytes are on this machine, and the blobs of it that podman needs. */
export interface AtHand {
  readonly from: ImageBytes;
  readonly blobs: readonly Blob[];
}

/**
 * Where an image is at hand: in its source, if that is a layout, else in the depot, if every blob
 * that podman lacks is there.
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
    // podman has the blobs that are left out of the layout, or it will say that it does not.
    return { from: images, blobs: image.blobs.filter(({ digest }) => images.has(digest)) };
  }
  if (depot?.find(image.name, image) === undefined) return undefined;
  const blobs = await lackingBlobs();
  if (!blobs.every((blob) => depot.has(blob))) return undefined;
  // The image may have come by another name. If berth refuses it by this one, podman judges it.
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
