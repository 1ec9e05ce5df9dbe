import { parsePlatform } from '../image/platform.ts';
import { INDEX_DIGEST, LOADED_NAME, LOADED_STAGED } from '../oci/annotations.ts';
import { type Entry, entryNamed } from '../oci/index-json.ts';
import type { Descriptor, Index } from './index-file.ts';

/** Adds an image under its full name; what another load meant by the name goes. */
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

/** Whether a descriptor is of an image that was loaded, and none of the store's own. */
export function isLoaded(descriptor: Descriptor): boolean {
  return loadedName(descriptor) !== undefined;
}

/** The descriptors by which an image of the store's own goes. */
export function namesOf({ manifests }: Index, id: string): readonly Descriptor[] {
  return manifests.filter((of) => of.digest === id && !isLoaded(of));
}

export function loadedName({ annotations }: Descriptor): string | undefined {
  return annotations?.[LOADED_NAME];
}

/** Whether it says no more than what a name means. */
export function isStaged({ annotations }: Descriptor): boolean {
  return annotations?.[LOADED_STAGED] !== undefined;
}

/** The same, and a root was staged with it. */
export function marked(descriptor: Descriptor): Descriptor {
  return { ...descriptor, annotations: { ...descriptor.annotations, [LOADED_STAGED]: 'true' } };
}

/** What it says of a name; nothing where it is not of an image that was loaded. */
export function loadedEntry(descriptor: Descriptor): Entry[] {
  const name = loadedName(descriptor);
  if (name === undefined) return [];
  return [entryNamed(name, descriptor)];
}
