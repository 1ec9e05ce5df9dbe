import { type Blob, distinctBlobs, type ResolvedImage, sizeOf } from '../../image/resolved.ts';
import type { Depot } from '../depot.ts';
import { BYTES_A_FILE, largest, unpackedSize } from '../fetch/unpacked-size.ts';
import type { Footprint, Use } from '../footprint.ts';

/**
 * How many images podman unpacks at once. More slow each other down: 8 took 20 s in pairs, 12 s one by one.
 */
export const UNPACKED_AT_A_TIME = 1;

/**
 * podman writes an archive that it loads to a file, then unpacks the archive, then writes each blob once
 * more.
 */
const COPIES_OF_ARCHIVES = 3;

/** The directories to which podman writes. */
export interface Places {
  /** The directory of unpacked layers. */
  readonly storage: string;
  /** The directory of blobs that wait to be unpacked. */
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
  const { storage, temporary } = places;
  const layers: Use = { directory: storage, bytes, stays: bytes, files, estimated: true };
  const compressed = largest(lacking.map(sizeOf), UNPACKED_AT_A_TIME);
  const beside = (copies: number): Use => {
    const bytes = copies * compressed;
    return { directory: temporary, bytes, stays: 0, files: 0, estimated: false };
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

/** The blobs of an image, its config among them, for which podman has no layer to use instead. */
export function lackingOf(
  image: ResolvedImage,
  chains: readonly (readonly string[])[],
): readonly Blob[] {
  return new Unpacked(chains).lackingOf(image);
}

/**
 * The layers that podman has unpacked. podman knows a layer by the digest of its blob and does not download
 * that blob again. But it keeps one layer for each chain of layers below, and unpacks the blob again on top
 * of another chain (seen with podman 4.3.1 and 5.4.2).
 */
class Unpacked {
  readonly #blobs = new Set<string>();
  /** A number for each chain, found by the number of the chain below and the layer on top: long chains share parts. */
  readonly #chains = new Map<string, number>();

  constructor(chains: readonly (readonly string[])[]) {
    for (const chain of chains) {
      this.#blobs.add(chain.at(-1) ?? '');
      let below = 0;
      for (const digest of chain) below = this.#chainOf(below, digest).number;
    }
  }

  lackingOf({ blobs: [config, ...layers] }: ResolvedImage): readonly Blob[] {
    const missing = layers.filter(({ digest }) => !this.#blobs.has(digest));
    return distinctBlobs(config === undefined ? missing : [config, ...missing]);
  }

  /**
   * Adds an image.
   *
   * @returns roughly what the image takes on disk, in bytes.
   */
  add({ blobs: [, ...layers] }: ResolvedImage): number {
    let bytes = 0;
    let below = 0;
    for (const layer of layers) {
      const { number, isNew } = this.#chainOf(below, layer.digest);
      if (isNew) bytes += unpackedSize(layer);
      below = number;
    }
    return bytes;
  }

  #chainOf(below: number, digest: string): { readonly number: number; readonly isNew: boolean } {
    const key = `${below} ${digest}`;
    const known = this.#chains.get(key);
    const number = known ?? this.#chains.size + 1;
    if (known === undefined) this.#chains.set(key, number);
    return { number, isNew: known === undefined };
  }
}
