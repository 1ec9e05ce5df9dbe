import { parsePlatform } from '../image/platform.ts';
import { INDEX_DIGEST, LOADED_NAME, LOADED_STAGED } from '../oci/annotations.ts';
import { type Entry, entryNamed } from '../oci/index-json.ts';
import type { Descriptor, Index } from './index-file.ts';

/** Adds an image under its full name, which replaces the image that an earlier load gave this name. */
export function withLoaded(
  index: Index,
  descriptor: Descriptor,
  image: { readonly name: string; readonly index?: string | undefined; readonly platform: string },
): Index {
  const platform = parsePlatform(image.platform);
  const added = {
    ...descriptor,
    ...(platform === undefined ? {} : { platform: { ...platform } }),
    annotations: {
      [LOADED_NAME]: image.name,
      ...(image.index === undefined ? {} : { [INDEX_DIGEST]: image.index }),
    },
  };
  const others = index.manifests.filter((of) => loadedName(of) !== image.name);
  return { ...index, manifests: [...others, added] };
}

/** Whether a descriptor is that of a loaded image, not of one of the store's own. */
export function isLoaded(descriptor: Descriptor): boolean {
  return loadedName(descriptor) !== undefined;
}

/** The descriptors of one of the store's own images, one for each of its names. */
export function namesOf({ manifests }: Index, id: string): readonly Descriptor[] {
  return manifests.filter((of) => of.digest === id && !isLoaded(of));
}

export function loadedName({ annotations }: Descriptor): string | undefined {
  return annotations?.[LOADED_NAME];
}

/** Whether a root was staged with the loaded image: then the descriptor only tells what a name means. */
export function isStaged({ annotations }: Descriptor): boolean {
  return annotations?.[LOADED_STAGED] !== undefined;
}

/** The descriptor, marked to say that a root was staged with the image. */
export function marked(descriptor: Descriptor): Descriptor {
  return { ...descriptor, annotations: { ...descriptor.annotations, [LOADED_STAGED]: 'true' } };
}

/** The entry for the name of a loaded image; empty for other descriptors. */
export function loadedEntry(descriptor: Descriptor): Entry[] {
  const name = loadedName(descriptor);
  if (name === undefined) return [];
  return [entryNamed(name, descriptor)];
}
