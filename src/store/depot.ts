import type { EngineId } from '../common/engine-id.ts';
import { withLock, withLockIfFree } from '../common/process-lock.ts';
import type { Depot, Meaning } from '../engine/depot.ts';
import type { FetchWatch } from '../engine/fetch-watch.ts';
import type { Pin, PinnedName, PinRequest } from '../engine/pin.ts';
import type { Blob, ResolvedImage } from '../image/resolved.ts';
import { mediaTypeOf } from '../oci/document.ts';
import type { Access } from '../registry/access.ts';
import { isPresent } from './blob.ts';
import { damaged } from './failure.ts';
import { bringBlobs, bringDocuments } from './fetch.ts';
import { syncDirectory } from './file.ts';
import { blobPath } from './layout.ts';
import { layoutExists, makeLayout } from './make-layout.ts';
import { storedBytes, storedManifest } from './manifest.ts';
import { type Store, type StoreOptions, storeIn } from './opened.ts';
import { missingOf } from './partial.ts';
import { changePins, changePinsInUse } from './pin.ts';
import { readPinFiles } from './pin-file.ts';
import { readBlob } from './read-blob.ts';
import { sweepUnneeded } from './remove.ts';

/** The engine for which images wait. */
export interface DepotUser {
  readonly engine: EngineId;
  /** Whether the engine can unpack such an image from the depot. */
  readonly serves: Depot['serves'];
}

/**
 * The store as the place where images wait for another engine to unpack them. A waiting image is held by a
 * file of holds (`Layout.waiting`) and is not named in index.json: images that are named there are whole,
 * while a waiting image lacks the layers that the engine has.
 */
export function openDepot(options: StoreOptions, { engine, serves }: DepotUser): Depot {
  const store = storeIn(options);
  const { layout, registry } = store;
  return {
    directory: layout.directory,
    permit: async (image, access, options) => {
      if (!wasPermitted(store, image)) await registry.permit(image, access, options);
    },
    serves,
    has: (blob) => isPresent(layout, blob),
    missing: (blobs) => missingOf(layout, blobs),
    find: (name, meaning) => find(store, name, meaning),
    pins: () => waitingPins(store, engine),
    bring: (hold, image, blobs, access, watch) => bring(store, hold, image, blobs, access, watch),
    drop: (pins) => drop(store, pins),
    images: {
      manifest: (digest) => {
        const content = storedBytes(layout, digest);
        if (content !== undefined) return { digest, content, mediaType: mediaTypeOf(content) };
        const hint = 'run the same command again, which fetches it again';
        throw damaged(blobPath(layout, digest), 'is not there any more', hint);
      },
      read: (blob) => readBlob(layout, blob),
    },
  };
}

/** Finds an image by its documents alone, whether or not its blobs are stored. */
function find(store: Store, name: string, meaning: Meaning): ResolvedImage | undefined {
  const { layout, manifests } = store;
  const manifest = storedManifest(layout, manifests, meaning.manifest);
  const config = manifest?.blobs[0]?.digest;
  if (manifest === undefined || config === undefined) return undefined;
  if (meaning.digest !== meaning.manifest) {
    const index = storedManifest(layout, manifests, meaning.digest);
    if (index?.manifests.includes(meaning.manifest) !== true) return undefined;
  }
  return { ...meaning, name, config, blobs: manifest.blobs };
}

/** Whether the image waits under the same name: then it was judged when it arrived. */
function wasPermitted({ layout, pinFiles }: Store, image: ResolvedImage): boolean {
  return readPinFiles(layout.waiting, pinFiles).some(({ pins }) =>
    pins.some(({ names }) => names.some((served) => isSame(image, served))),
  );
}

function isSame(one: PinnedName, other: PinnedName): boolean {
  return one.name === other.name && one.digest === other.digest && one.manifest === other.manifest;
}

/**
 * The waiting images as pins. Without its manifest, a hold does not tell the engine's id of its image, and
 * is left out.
 */
function waitingPins(store: Store, engine: EngineId): readonly Pin[] {
  const { layout, pinFiles, manifests } = store;
  return readPinFiles(layout.waiting, pinFiles).flatMap(({ root, pins }) =>
    pins.flatMap((pin): Pin[] => {
      const id = storedManifest(layout, manifests, pin.id)?.blobs[0]?.digest;
      return id === undefined ? [] : [{ ...pin, engine, id, root, handle: pin.id }];
    }),
  );
}

/** Writes the hold before the blobs, so that no sweep removes what has arrived if this is killed. */
async function bring(
  store: Store,
  { root, request }: { readonly root: string; readonly request: PinRequest },
  image: ResolvedImage,
  blobs: readonly Blob[],
  access: Access,
  watch: FetchWatch,
): Promise<void> {
  const { layout, registry } = store;
  const options = watch.signal === undefined ? {} : { signal: watch.signal };
  await registry.permit(image, access, options);
  await makeLayout(layout);
  await store.clearOnce();
  const work = async () => {
    const source = { from: 'registry', access } as const;
    await bringDocuments(store, image, source, watch.signal);
    await syncDirectory(layout.blobs);
    const id = image.manifest;
    await changePinsInUse(store, layout.waiting, root, (before) => {
      const earlier = before.filter((hold) => hold.id === id).flatMap((hold) => hold.names);
      // A name that was not judged must not enter the hold.
      const names = request.names.filter(
        (served) => isSame(image, served) || earlier.some((one) => isSame(one, served)),
      );
      return [...before.filter((hold) => hold.id !== id), { ...request, id, names }];
    });
    const digests = new Set(blobs.map(({ digest }) => digest));
    const whole = image.blobs.filter(({ digest }) => digests.has(digest));
    await bringBlobs(store, image.name, whole, source, watch);
    await syncDirectory(layout.blobs);
  };
  await withLock(layout.inUse, 'shared', work, options);
}

/**
 * Drops holds, and also every hold whose manifest is gone. A manifest is written before its hold, so it was
 * lost since, and such a hold could never be named to be dropped.
 */
async function drop(store: Store, pins: readonly Pin[]): Promise<void> {
  const { layout, pinFiles, manifests } = store;
  if (!layoutExists(layout)) return;
  const dropped = new Set(pins.map(({ root, handle }) => `${root} ${handle}`));
  const isLetGo = (root: string, { id }: PinRequest) =>
    dropped.has(`${root} ${id}`) || storedManifest(layout, manifests, id) === undefined;
  const files = readPinFiles(layout.waiting, pinFiles).filter((file) =>
    file.pins.some((hold) => isLetGo(file.root, hold)),
  );
  if (files.length === 0) return;
  for (const { root } of files) {
    await changePins(store, layout.waiting, root, (before) =>
      before.filter((hold) => !isLetGo(root, hold)),
    );
  }
  // If another berth is at work, its removals or the next ones sweep what is left.
  await withLockIfFree(layout.inUse, () => sweepUnneeded(layout));
}
