import { distinctBlobs, type ResolvedImage, sizeOf } from '../../../image/resolved.ts';
import type { Depot } from '../../depot.ts';
import { BYTES_A_FILE, largest, unpackedSize } from '../../fetch/unpacked-size.ts';
import type { Footprint, Use } from '../../footprint.ts';
import { directoryOf, type Settings } from '../api/settings.ts';
import type { Lacking } from './layers.ts';

/**
 * The footprint of bringing images into docker.
 *
 * @param atATime how many images are fetched at once. docker's own store keeps the blobs of an image until the
 *   image is unpacked, containerd's store for ever.
 */
export function footprintOf(
  images: readonly ResolvedImage[],
  lackingOf: Lacking,
  settings: Settings,
  depot: Pick<Depot, 'missing'> | undefined,
  atATime: number,
): Footprint {
  const lacking = images.map((image) => distinctBlobs(lackingOf(image)));
  const unpacked = distinctBlobs(
    images.flatMap(({ config }, index) =>
      (lacking[index] ?? []).filter(({ digest }) => digest !== config),
    ),
  ).reduce((sum, blob) => sum + unpackedSize(blob), 0);
  const compressed =
    settings.store === 'own' ? largest(lacking.map(sizeOf), atATime) : sizeOf(lacking.flat());
  const use: Use = {
    directory: directoryOf(settings),
    bytes: unpacked + compressed,
    stays: settings.store === 'own' ? unpacked : unpacked + compressed,
    files: Math.ceil(unpacked / BYTES_A_FILE),
    estimated: true,
  };
  return {
    images: lacking.map((blobs) => ({
      lacking: blobs,
      missing: depot === undefined ? blobs : depot.missing(blobs),
    })),
    direct: [use],
    ...(depot === undefined ? {} : { fromDepot: [use] }),
  };
}
