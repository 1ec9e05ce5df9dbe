import { withLock } from '../common/process-lock.ts';
import { version } from '../common/version.ts';
import type { Engine } from '../engine/engine.ts';
import { type Footprint, useOfBlobs } from '../engine/footprint.ts';
import { distinctBlobs, type ResolvedImage } from '../image/resolved.ts';
import { isPresent } from './blob.ts';
import { fetchImage } from './fetch.ts';
import { isNamed, isWhole, layersOf, wholeImages } from './images.ts';
import { changeIndex, isFetched, named, withDescriptor } from './index-file.ts';
import { namesOf } from './loaded-entry.ts';
import { layoutExists } from './make-layout.ts';
import { type Store, type StoreOptions, storeIn } from './opened.ts';
import { missingOf } from './partial.ts';
import { allPins, noSuchImage, pinImages, unpinImages } from './pins/pin.ts';
import { freedBy, removeImage } from './remove.ts';

/**
 * The embedded engine: an OCI image layout that stores each image once, under its manifest's digest.
 * Nothing is read or made before it is needed.
 */
export function openStore(options: StoreOptions): Engine {
  const store = storeIn(options);
  const { layout } = store;
  return {
    id: 'store',
    traits: { downloads: 'berth', judges: 'berth', pullsAs: 'caller', pins: 'firm' },
    // `Downloads` has a limit of its own, and chooses the largest blob among those of all images.
    concurrency: 64,
    idOf: (image) => image.manifest,
    info: async () => ({
      name: 'store',
      version,
      directory: layout.directory,
      description: `OCI image layout in ${layout.directory}`,
    }),
    images: async () => wholeImages(store),
    layers: async () => new Map(wholeImages(store).map(({ id }) => [id, layersOf(store, id)])),
    has: async (id) => layoutExists(layout) && isNamed(store, id) && isWhole(store, id),
    pins: async () => allPins(store),
    footprint: async (images) => footprintOf(store, images),
    freed: async (ids) => (layoutExists(layout) ? freedBy(store, ids) : 0),
    fetch: async (image, source, watch = {}) => {
      await fetchImage(store, image, source, watch);
      return image.manifest;
    },
    roomFor: async () => undefined,
    pin: (root, images) => pinImages(store, root, images),
    unpin: (pins) => unpinImages(store, pins),
    tag: (id, name) => tagImage(store, id, name),
    remove: (id) => removeImage(store, id),
    close: async () => undefined,
  };
}

/** The footprint of bringing images into the store, which keeps blobs as they come. */
function footprintOf({ layout }: Store, images: readonly ResolvedImage[]): Footprint {
  const each = images.map(({ blobs }) => ({
    lacking: distinctBlobs(blobs).filter((blob) => !isPresent(layout, blob)),
    missing: missingOf(layout, blobs),
  }));
  const missing = each.flatMap((image) => image.missing);
  return { images: each, direct: [useOfBlobs(layout.directory, missing, images.length)] };
}

async function tagImage(store: Store, id: string, name: string): Promise<void> {
  const { layout } = store;
  if (!layoutExists(layout)) throw noSuchImage(store, id);
  await withLock(layout.inUse, 'shared', () =>
    changeIndex(layout, (index) => {
      const [found] = namesOf(index, id);
      if (found === undefined) throw noSuchImage(store, id);
      return withDescriptor(index, named(found, name, { fetched: isFetched(found) }));
    }),
  );
}
