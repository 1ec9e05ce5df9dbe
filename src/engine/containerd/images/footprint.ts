import { type Blob, distinctBlobs, type ResolvedImage } from '../../../image/resolved.ts';
import type { Depot } from '../../depot.ts';
import { BYTES_A_FILE, unpackedSize } from '../../fetch/unpacked-size.ts';
import { type Footprint, type Use, useOfBlobs } from '../../footprint.ts';
import type { Inventory } from './inventory.ts';

/** The directories to which containerd writes. */
export interface Places {
  /** For blobs, as they were downloaded. */
  readonly content: string;
  /** For unpacked layers. */
  readonly snapshots: string;
}

/** The footprint of bringing images into containerd, which keeps blobs and unpacks them. */
export function footprintOf(
  images: readonly ResolvedImage[],
  inventory: Inventory,
  places: Places,
  depot: Pick<Depot, 'missing'> | undefined,
): Footprint {
  const lacking = images.map((image) => lackingOf(image, inventory));
  const all = distinctBlobs(lacking.flat());
  const bytes = all.reduce((sum, blob) => sum + unpackedSize(blob), 0);
  const unpacked: Use = {
    directory: places.snapshots,
    bytes,
    stays: bytes,
    files: Math.ceil(bytes / BYTES_A_FILE),
    estimated: true,
  };
  const uses = [useOfBlobs(places.content, all, images.length), unpacked];
  return {
    images: lacking.map((blobs) => ({
      lacking: blobs,
      missing: depot === undefined ? blobs : depot.missing(blobs),
    })),
    direct: uses,
    ...(depot === undefined ? {} : { fromDepot: uses }),
  };
}

/** The blobs that containerd lacks. A whole image lacks none, even if only its unpacked layers are left. */
export function lackingOf(
  image: ResolvedImage,
  { content, images }: Pick<Inventory, 'content' | 'images'>,
): readonly Blob[] {
  if (images.has(image.config)) return [];
  return distinctBlobs(image.blobs.filter(({ digest }) => !content.has(digest)));
}
