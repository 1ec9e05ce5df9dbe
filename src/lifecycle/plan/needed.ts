import type { Depot } from '../../engine/depot.ts';
import type { Footprint, MissingBlobs, Use } from '../../engine/footprint.ts';
import type { Source } from '../../engine/source.ts';
import { type Blob, distinctInLists, type ResolvedImage } from '../../image/resolved.ts';

/** An image that is to be fetched. */
export interface WantedImage {
  /** The engine's id. */
  readonly id: string;
  readonly image: ResolvedImage;
  readonly source: Source;
}

/** The bytes that fetching images into one engine takes from the network and writes to file systems. */
export interface Needed {
  /** The blobs that are missing for each image, by its id. */
  readonly blobs: ReadonlyMap<string, readonly Blob[]>;
  /** The blobs that come over the network, each once. */
  readonly downloads: readonly Blob[];
  /** How many images come over the network. */
  readonly images: number;
  /**
   * The blobs that lie in the engine's depot and that the engine lacks, each once. Of a blob that was downloaded in
   * part, `size` is that part.
   */
  readonly inDepot: readonly Blob[];
  /** The bytes that are written if the engine fetches the images itself. */
  readonly direct: readonly Use[];
  /** The bytes that are written if the engine takes the images from its depot; absent without a depot. */
  readonly fromDepot?: readonly Use[] | undefined;
}

/** @param footprint of the images that are wanted, in this order. */
export function neededFor(
  wanted: readonly WantedImage[],
  { images, direct, fromDepot }: Footprint,
  depot: Pick<Depot, 'directory'> | undefined,
): Needed {
  const missing = wanted.map(({ id, source }, index) => ({
    id,
    source,
    blobs: images[index]?.missing ?? [],
  }));
  const remote = missing.filter(({ source }) => source.from === 'registry');
  const blobs = new Map(
    [...Map.groupBy(missing, ({ id }) => id)].map(([id, entries]) => [
      id,
      distinctInLists(entries.map((entry) => entry.blobs)),
    ]),
  );
  return {
    blobs,
    downloads: distinctInLists(remote.map((entry) => entry.blobs)),
    images: remote.length,
    inDepot: depot === undefined ? [] : storedOf(images),
    direct,
    fromDepot: depot === undefined ? undefined : fromDepot,
  };
}

/** The parts of the lacking blobs that are not missing: the depot has them. */
function storedOf(images: readonly MissingBlobs[]): readonly Blob[] {
  const missing = new Map<string, number>();
  for (const image of images) {
    for (const { digest, size } of image.missing) missing.set(digest, size);
  }
  return distinctInLists(images.map(({ lacking }) => lacking))
    .map((blob) => ({ ...blob, size: blob.size - (missing.get(blob.digest) ?? 0) }))
    .filter(({ digest, size }) => size > 0 || !missing.has(digest));
}
