import { type Blob, distinctBlobs, type ResolvedImage, sizeOf } from '../../../image/resolved.ts';
import type { Depot } from '../../depot.ts';
import type { Footprint, Use } from '../../footprint.ts';

/** How many images podman unpacks at once. Two get into each other's way: 8 took 20 s so, 12 s one by one. */
export const UNPACKED_AT_A_TIME = 1;

/** An archive that podman loads it writes to a file, then takes apart, then each blob once more. */
const COPIES_OF_ARCHIVES = 3;

/**
 * How many bytes one compressed byte becomes on disk. Measured on layers of Debian 13: 2.4 to 2.7
 * with gzip, 2.7 with zstd, blocks counted; source code and text make it 4.
 */
const UNPACKED = 3;

/** The same for a layer that is not compressed: headers go, blocks are filled up. */
const UNPACKED_PLAIN = 1.15;

/** Debian 13 has a file for every 49 kB; images of scripts have more. */
const BYTES_A_FILE = 32 * 1024;

/** Where podman writes. */
export interface Places {
  /** Where layers lie unpacked. */
  readonly storage: string;
  /** Where blobs lie until they are unpacked. */
  readonly temporary: string;
}

/**
 * The footprint of bringing images into podman.
 *
 * @param chains the layers that podman has, as `readLayers` gives them.
 */
export function footprintOf(
  images: readonly ResolvedImage[],
  chains: readonly (readonly string[])[],
  places: Places,
  depot: Pick<Depot, 'missing'> | undefined,
): Footprint {
  const unpacked = new Unpacked(chains);
  const lacking = images.map((image) => unpacked.lackingOf(image));
  const bytes = images.reduce((sum, image) => sum + unpacked.add(image), 0);
  const files = Math.ceil(bytes / BYTES_A_FILE);
  const layers: Use = { directory: places.storage, bytes, files, estimated: true };
  const compressed = largest(lacking.map(sizeOf), UNPACKED_AT_A_TIME);
  const beside = (copies: number): Use => {
    return { directory: places.temporary, bytes: copies * compressed, files: 0, estimated: false };
  };
  return {
    images: lacking.map((blobs) => ({
      lacking: blobs,
      missing: depot === undefined ? blobs : depot.missing(blobs),
    })),
    direct: [layers, beside(1)],
    ...(depot === undefined ? {} : { fromDepot: [layers, beside(COPIES_OF_ARCHIVES)] }),
  };
}

/** The blobs of an image that podman takes nothing for, the config among them. */
export function lackingOf(
  image: ResolvedImage,
  chains: readonly (readonly string[])[],
): readonly Blob[] {
  return new Unpacked(chains).lackingOf(image);
}

/**
 * The layers that podman has unpacked. podman knows a layer by the digest of its blob and does not ask
 * for that blob again; but it keeps a layer for each chain of layers below it, and unpacks it anew
 * under another. Seen of podman 4.3.1 and 5.4.2.
 */
class Unpacked {
  readonly #blobs = new Set<string>();
  readonly #chains = new Set<string>();

  constructor(chains: readonly (readonly string[])[]) {
    for (const chain of chains) {
      this.#blobs.add(chain.at(-1) ?? '');
      this.#chains.add(chain.join(' '));
    }
  }

  lackingOf({ blobs: [config, ...layers] }: ResolvedImage): readonly Blob[] {
    const missing = layers.filter(({ digest }) => !this.#blobs.has(digest));
    return distinctBlobs(config === undefined ? missing : [config, ...missing]);
  }

  /** Adds an image. @returns what it takes on disk, about. */
  add({ blobs: [, ...layers] }: ResolvedImage): number {
    let bytes = 0;
    let chain = '';
    for (const layer of layers) {
      chain = chain === '' ? layer.digest : `${chain} ${layer.digest}`;
      if (!this.#chains.has(chain)) bytes += unpackedSize(layer);
      this.#chains.add(chain);
    }
    return bytes;
  }
}

function unpackedSize({ mediaType, size }: Blob): number {
  const isCompressed = /[+.](gzip|zstd)$/.test(mediaType);
  return Math.ceil(size * (isCompressed ? UNPACKED : UNPACKED_PLAIN));
}

function largest(sizes: readonly number[], count: number): number {
  return sizes
    .toSorted((a, b) => b - a)
    .slice(0, count)
    .reduce((sum, size) => sum + size, 0);
}
