import type { EngineImage, StoredLayer } from '../engine/engine.ts';
import { distinctBlobs } from '../image/resolved.ts';
import { isPresent, storedSize } from './blob.ts';
import { type Descriptor, indexDigestOf, isFetched, nameOf, readIndex } from './index-file.ts';
import { isLoaded, namesOf } from './loaded-entry.ts';
import { layoutExists } from './make-layout.ts';
import { storedManifest } from './manifest.ts';
import type { Store } from './opened.ts';

/** The images whose blobs are all stored, with their names in index.json. */
export function wholeImages(store: Store): readonly EngineImage[] {
  if (!layoutExists(store.layout)) return [];
  const own = readIndex(store.layout).manifests.filter((descriptor) => !isLoaded(descriptor));
  const byDigest = Map.groupBy(own, ({ digest }) => digest);
  return [...byDigest].flatMap(([id, descriptors]) => {
    if (!isWhole(store, id)) return [];
    const names = descriptors.filter((d) => hasItsIndex(store, d)).flatMap((d) => nameOf(d) ?? []);
    return {
      id,
      names: names.filter((name) => !name.includes('@')),
      digests: names.filter((name) => name.includes('@')),
      size: sizeOf(store, id),
      fetched: descriptors.every(isFetched),
    };
  });
}

/** Whether index.json has a name for the image; images without a name are remains of something else. */
export function isNamed({ layout }: Store, id: string): boolean {
  return namesOf(readIndex(layout), id).length > 0;
}

/** Whether the id is that of an image whose manifest and blobs are all stored. */
export function isWhole(store: Store, id: string): boolean {
  const { layout, manifests } = store;
  const manifest = storedManifest(layout, manifests, id);
  return (
    manifest !== undefined &&
    manifest.blobs.length > 0 &&
    storedSize(layout, id) === manifest.size &&
    manifest.blobs.every((blob) => isPresent(layout, blob))
  );
}

/** Whether the index of a name is stored: without it, its digest is no name any more. */
function hasItsIndex({ layout }: Store, descriptor: Descriptor): boolean {
  const digest = indexDigestOf(descriptor);
  return digest === undefined || storedSize(layout, digest) !== undefined;
}

function sizeOf(store: Store, id: string): number {
  return layersOf(store, id).reduce((sum, { size }) => sum + size, 0);
}

/** The files that an image consists of: its manifest, its config and its layers. */
export function layersOf({ layout, manifests }: Store, id: string): readonly StoredLayer[] {
  const manifest = storedManifest(layout, manifests, id);
  if (manifest === undefined) return [];
  const blobs = distinctBlobs(manifest.blobs).map(({ digest, size }) => ({ id: digest, size }));
  return [{ id, size: manifest.size }, ...blobs];
}
