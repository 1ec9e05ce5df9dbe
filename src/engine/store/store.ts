import type { Registry } from '../../registry/registry.ts';
import { version } from '../../version.ts';
import type { Engine } from '../engine.ts';
import { withLock, withLockIfFree } from '../file-lock.ts';
import { distinct, isPresent } from './blob.ts';
import { type Bytes, Downloads } from './download.ts';
import { fetchImage } from './fetch.ts';
import { isNamed, isWhole, wholeImages } from './images.ts';
import { changeIndex, isFetched, named, withDescriptor } from './index-file.ts';
import { type Layout, layoutAt, layoutExists } from './layout.ts';
import { namesOf } from './loaded-entry.ts';
import type { ManifestCache } from './manifest.ts';
import { keptSize, recoverTemporary } from './partial.ts';
import { allPins, noSuchImage, pinImages, unpinImages } from './pin.ts';
import type { PinCache } from './pin-file.ts';
import { freedBy, removeImage } from './remove.ts';

export interface StoreOptions {
  /** `store/` of the state directory; it need not exist. */
  readonly directory: string;
  readonly registry: Registry;
  /** Blobs that lie elsewhere, maybe damaged: a sound one is copied, and not downloaded. */
  readonly nearby?: Bytes | undefined;
}

/** What the steps of the store work with. */
export interface Store {
  readonly layout: Layout;
  readonly registry: Registry;
  readonly downloads: Downloads;
  readonly manifests: ManifestCache;
  readonly pinFiles: PinCache;
  /** Sees to what killed runs left half-written, the first time it is called. */
  readonly clearOnce: () => Promise<void>;
}

/**
 * The embedded engine: an OCI image layout, in which every image lies once, under its manifest's
 * digest. Nothing is read or made before it is needed.
 */
export function openStore(options: StoreOptions): Engine {
  const store = storeIn(options);
  const { layout } = store;
  return {
    name: 'store',
    // The downloads have a bound of their own, and choose the largest among those of all images.
    concurrency: 64,
    idOf: (image) => image.manifest,
    info: async () => ({
      name: 'store',
      version,
      directory: layout.directory,
      description: `OCI image layout in ${layout.directory}`,
    }),
    images: async () => wholeImages(store),
    has: async (id) => layoutExists(layout) && isNamed(store, id) && isWhole(store, id),
    pins: async () => allPins(store),
    missingBlobs: async (image) =>
      distinct(image.blobs)
        .filter((blob) => !isPresent(layout, blob))
        .map((blob) => ({ ...blob, size: blob.size - keptSize(layout, blob) })),
    layers: async () => [],
    freeLocks: async () => undefined,
    freed: async (ids) => (layoutExists(layout) ? freedBy(store, ids) : 0),
    fetch: async (image, access, watch = {}) => {
      await fetchImage(store, image, access, watch);
      return image.manifest;
    },
    pin: (root, images) => pinImages(store, root, images),
    unpin: (pins) => unpinImages(store, pins),
    tag: (id, name) => tagImage(store, id, name),
    remove: (id) => removeImage(store, id),
    close: async () => undefined,
  };
}

export function storeIn({ directory, registry, nearby }: StoreOptions): Store {
  const layout = layoutAt(directory);
  let cleared: Promise<void> | undefined;
  return {
    layout,
    registry,
    downloads: new Downloads(layout, registry, nearby),
    manifests: new Map(),
    pinFiles: new Map(),
    clearOnce: () => (cleared ??= withLockIfFree(layout.inUse, () => recoverTemporary(layout))),
  };
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
