import { TarError } from '../common/tar/error.ts';
import { tarEntries } from '../common/tar/read.ts';
import { hostPlatform } from '../image/platform.ts';
import type { Registry } from '../registry/registry.ts';
import { ImageRoot } from '../root/image-root.ts';
import { LayerTree } from '../root/layer-tree.ts';
import type { Root } from '../root/root.ts';
import { imageFailure, noImage } from './failure.ts';
import { imageOfLayout } from './from-layout.ts';
import { imageOfRegistry } from './from-registry.ts';
import type { ImageSource } from './image-source.ts';
import { budget, decompressed } from './layer-bytes.ts';

/** The sources of OS images. */
export interface ImagePlaces {
  readonly registry: Registry;
  /** berth's own store. */
  readonly storeDirectory: string;
  /** Turns a short name into a full one, as the running system understands it. */
  readonly nameMeantBy: (raw: string) => Promise<string>;
  /** In bytes, of all layers when they are unpacked; 64 GiB if undefined. */
  readonly maxBytes?: number;
}

/**
 * The root that `image:REF` names. REF is `store:NAME`, `oci:DIRECTORY[:NAME]`, or the name of an image in
 * a registry. Nothing is unpacked to disk: the layers are read as they arrive, one after the other.
 *
 * @throws {BerthError}
 */
export async function openImage(spec: string, places: ImagePlaces): Promise<Root> {
  const source = await sourceOf(spec.replace(/^image:/, ''), places);
  const tree = new LayerTree();
  const left = budget(places.maxBytes);
  for (const blob of source.layers) {
    try {
      await tree.apply(tarEntries(decompressed(blob, source.read(blob), left)));
    } catch (error) {
      throw error instanceof TarError
        ? imageFailure(
            `expected a tar archive in the layer ${blob.digest}: ${error.message}`,
            error,
          )
        : error;
    }
  }
  return new ImageRoot({ tree: tree.root }, source.location, 'os');
}

async function sourceOf(reference: string, places: ImagePlaces): Promise<ImageSource> {
  const { registry, storeDirectory, nameMeantBy } = places;
  const platform = hostPlatform();
  if (reference === '') {
    throw noImage('expected image:REF, found no REF', 'name an image, as image:quay.io/acme/os:42');
  }
  if (reference.startsWith('store:')) {
    const name = await nameMeantBy(reference.slice('store:'.length));
    return imageOfLayout(storeDirectory, name, platform, () => `store:${name}`);
  }
  if (reference.startsWith('oci:')) {
    const [, directory = '', name] = /^oci:([^:]*)(?::(.*))?$/s.exec(reference) ?? [];
    const suffix = name === undefined ? '' : `:${name}`;
    return imageOfLayout(directory, name, platform, (real) => `oci:${real}${suffix}`);
  }
  return imageOfRegistry(registry, await nameMeantBy(reference), platform);
}
