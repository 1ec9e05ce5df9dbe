import type { Depot } from '../../engine/depot.ts';
import { type Footprint, type Use, useOfBlobs } from '../../engine/footprint.ts';
import type { Source } from '../../engine/source.ts';
import { type Blob, distinctBlobs, type ResolvedImage } from '../../image/resolved.ts';

/** An image that is to be fetched. */
export interface WantedImage {
  /** The engine's id. */
  readonly id: string;
  readonly image: ResolvedImage;
  readonly source: Source;
}

/** The bytes that fetching images takes from the network and writes to file systems. */
export interface Needed {
  /** The blobs that are missing for each image, by its id. */
  readonly blobs: ReadonlyMap<string, readonly Blob[]>;
  /** The blobs that come over the network, each once. */
  readonly downloads: readonly Blob[];
  /** The blobs that lie in the engine's depot and that the engine lacks, each once. */
  readonly inDepot: readonly Blob[];
  /** The bytes that are written if the engine fetches the images itself. */
  readonly direct: readonly Use[];
  /** The bytes that are written by way of the depot, if the engine has one. */
  readonly depot?: {
    /** If the images come into the depot and wait there. */
    readonly waiting: readonly Use[];
    /** If they come into the depot and are unpacked from there. */
    readonly unpacked: readonly Use[];
  };
}

/** @param footprint of the images that are wanted, in this order. */
export function neededFor(
  wanted: readonly WantedImage[],
  footprint: Footprint,
  depot: Pick<Depot, 'directory' | 'has'> | undefined,
): Needed {
  const { images, direct, fromDepot } = footprint;
  const missing = wanted.map(({ id, source }, index) => ({
    id,
    source,
    blobs: images[index]?.missing ?? [],
  }));
  const remote = missing.filter(({ source }) => source.from === 'registry');
  const downloads = distinctBlobs(remote.flatMap(({ blobs }) => blobs));
  const blobs = new Map(
    [...Map.groupBy(missing, ({ id }) => id)].map(([id, entries]) => [
      id,
      distinctBlobs(entries.flatMap((entry) => entry.blobs)),
    ]),
  );
  if (depot === undefined || fromDepot === undefined) {
    return { blobs, downloads, inDepot: [], direct };
  }
  const lacking = distinctBlobs(images.flatMap((image) => image.lacking));
  const waiting = useOfBlobs(depot.directory, downloads, remote.length);
  return {
    blobs,
    downloads,
    inDepot: lacking.filter((blob) => depot.has(blob)),
    direct,
    depot: { waiting: [waiting], unpacked: [...fromDepot, waiting] },
  };
}
