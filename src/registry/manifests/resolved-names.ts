import { formatPlatform, type Platform } from '../../image/platform.ts';
import type { ResolvedImage } from '../../image/resolved.ts';

/** The most images that are remembered; those that were looked up first go first. */
const MOST = 2000;

/** In bytes of JSON, of one image that is remembered: a hundred layers take some 17,000. */
const LARGEST = 32_000;

/** The same of all images together: a registry may send images of a thousand layers. */
const MOST_BYTES = 16 * 1024 * 1024;

export type FindResolved = (name: string, platform: Platform) => ResolvedImage | undefined;

/**
 * What names meant when registries were last asked. A name that still has the same digest means the same, so
 * its documents need not be asked for again: registries count requests for manifests, and some allow few.
 */
export class ResolvedNames {
  readonly #images = new Map<string, ResolvedImage>();
  #isChanged = false;

  constructor(images: Iterable<ResolvedImage> = []) {
    for (const image of images) this.#images.set(keyOf(image.name, image.platform), image);
  }

  /** Whether a name was added that was not known, or that means another image now. */
  get isChanged(): boolean {
    return this.#isChanged;
  }

  get images(): readonly ResolvedImage[] {
    let left = MOST_BYTES;
    const latest = [...this.#images.values()].slice(-MOST).reverse();
    return latest.filter((image) => (left -= bytesOf(image)) >= 0).reverse();
  }

  /** Finds what names meant up to now; later additions are for the next run. */
  earlier(): FindResolved {
    const images = new Map(this.#images);
    return (name, platform) => images.get(keyOf(name, formatPlatform(platform)));
  }

  add(image: ResolvedImage): void {
    const key = keyOf(image.name, image.platform);
    if (this.#images.get(key)?.digest === image.digest || bytesOf(image) > LARGEST) return;
    this.#images.delete(key);
    this.#images.set(key, image);
    this.#isChanged = true;
  }
}

function bytesOf(image: ResolvedImage): number {
  return Buffer.byteLength(JSON.stringify(image));
}

function keyOf(name: string, platform: string): string {
  return `${platform} ${name}`;
}
