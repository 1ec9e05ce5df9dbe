import type { EngineId } from '../common/engine-id.ts';
import type { Platform } from '../image/platform.ts';
import type { Archive, ArchivedImage } from '../oci/archive/archive.ts';
import { onlyImage } from '../oci/archive/archived-images.ts';
import { LayoutError } from '../oci/failure.ts';

interface Known {
  readonly archive: Archive;
  readonly image: ArchivedImage;
}

/** The names that archives bring into engines, to find those that would mean two images. */
export class NamedImages {
  readonly #platform: Platform;
  /** By engine and name. */
  readonly #known = new Map<string, Known>();
  readonly #configs = new Map<ArchivedImage, string | undefined>();

  constructor(platform: Platform) {
    this.#platform = platform;
  }

  /** Adds the names of an archive, and returns those that already mean another image. */
  add(engine: EngineId, archive: Archive): ReadonlySet<string> {
    const clashes = new Set<string>();
    for (const image of archive.images) {
      for (const name of image.names) {
        const key = `${engine} ${name}`;
        const before = this.#known.get(key);
        if (before === undefined) this.#known.set(key, { archive, image });
        else if (!this.#isSame(before, { archive, image })) clashes.add(name);
      }
    }
    return clashes;
  }

  #isSame(one: Known, other: Known): boolean {
    if (one.image.digest === other.image.digest) return true;
    const config = this.#configOf(one);
    return config !== undefined && config === this.#configOf(other);
  }

  /** An image can have thousands of names, and its manifest is parsed once. */
  #configOf(known: Known): string | undefined {
    const { image } = known;
    if (!this.#configs.has(image)) this.#configs.set(image, configOf(known, this.#platform));
    return this.#configs.get(image);
  }
}

/** The digest of the config, which is the same in every format; undefined if parts of the image are missing. */
function configOf({ archive, image }: Known, platform: Platform): string | undefined {
  try {
    return onlyImage({ ...archive, images: [image] }, 'localhost/image:latest', platform).config;
  } catch (error) {
    if (error instanceof LayoutError) return undefined;
    throw error;
  }
}
