import type { EngineId } from '../common/engine-id.ts';
import { withLock } from '../common/process-lock.ts';
import type { Depot, ImageBytes, Meaning } from '../engine/depot.ts';
import type { FetchWatch } from '../engine/fetch-watch.ts';
import type { PinRequest } from '../engine/pin.ts';
import type { Source } from '../engine/source.ts';
import type { Blob, ResolvedImage } from '../image/resolved.ts';
import { mediaTypeOf } from '../oci/document.ts';
import { isPresent } from './blob.ts';
import { damaged } from './failure.ts';
import { bringBlobs, bringDocuments, permit } from './fetch.ts';
import { syncDirectory } from './file.ts';
import { blobPath, type Layout } from './layout.ts';
import { makeLayout } from './make-layout.ts';
import { storedBytes, storedManifest } from './manifest.ts';
import { type Store, type StoreOptions, storeIn } from './opened.ts';
import { missingOf } from './partial.ts';
import { dropHolds, enginesWaitedFor, holdImage, waitingPins, wasPermitted } from './pins/holds.ts';
import { readBlob } from './read-blob.ts';
import { keepSignatures, storedSignatures } from './signatures.ts';

/** The engine for which images wait. */
export interface DepotUser {
  readonly engine: EngineId;
  /** Whether the engine can unpack such an image from the depot. */
  readonly serves: Depot['serves'];
}

/** The depots of several engines in one store. A blob that they need at the same time comes once. */
export interface Depots {
  forEngine(user: DepotUser): Depot;

  /** The engines for which images wait, whether or not anything else knows those engines. */
  engines(): readonly EngineId[];
}

/**
 * The store as the place where images wait for other engines to unpack them. A waiting image is held by a
 * file of holds (`Layout.waiting`) and is not named in index.json: images that are named there are whole,
 * while a waiting image lacks the layers that its engine has.
 */
export function openDepots(options: StoreOptions): Depots {
  const store = storeIn(options);
  return {
    forEngine: (user) => depotIn(store, user),
    engines: () => enginesWaitedFor(store),
  };
}

/** The depot of a single engine. */
export function openDepot(options: StoreOptions, user: DepotUser): Depot {
  return openDepots(options).forEngine(user);
}

function depotIn(store: Store, { engine, serves }: DepotUser): Depot {
  const { layout, registry } = store;
  return {
    directory: layout.directory,
    permit: async (image, access, options) => {
      if (wasPermitted(store, engine, image)) return;
      const here = () => storedSignatures(layout, image.manifest);
      const beside = () => [...(options.beside?.() ?? []), ...here()];
      await registry.permit(image, access, { ...options, beside });
    },
    serves,
    has: (blob) => isPresent(layout, blob),
    missing: (blobs) => missingOf(layout, blobs),
    find: (name, meaning) => find(store, name, meaning),
    pins: () => waitingPins(store, engine),
    bring: (hold, image, blobs, source, watch) =>
      bring(store, engine, hold, image, blobs, source, watch),
    drop: (pins) => dropHolds(store, engine, pins),
    images: bytesIn(layout),
  };
}

function bytesIn(layout: Layout): ImageBytes {
  return {
    manifest: (digest) => {
      const content = storedBytes(layout, digest);
      if (content !== undefined) return { digest, content, mediaType: mediaTypeOf(content) };
      const hint = 'run the same command again, which fetches it again';
      throw damaged(blobPath(layout, digest), 'is not there any more', hint);
    },
    read: (blob) => readBlob(layout, blob),
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

/** Writes the hold before the blobs, so that no sweep removes what has arrived if this is killed. */
async function bring(
  store: Store,
  engine: EngineId,
  hold: { readonly root: string; readonly request: PinRequest },
  image: ResolvedImage,
  blobs: readonly Blob[],
  source: Source,
  watch: FetchWatch,
): Promise<void> {
  const { layout } = store;
  const options = watch.signal === undefined ? {} : { signal: watch.signal };
  const signatures = await permit(store, image, source, watch.signal);
  await makeLayout(layout);
  await store.clearOnce();
  const work = async () => {
    await bringDocuments(store, image, source, watch.signal);
    await syncDirectory(layout.blobs);
    await keepSignatures(layout, image.manifest, signatures);
    await holdImage(store, engine, hold, image);
    const digests = new Set(blobs.map(({ digest }) => digest));
    const whole = image.blobs.filter(({ digest }) => digests.has(digest));
    await bringBlobs(store, image.name, whole, source, watch);
    await syncDirectory(layout.blobs);
  };
  await withLock(layout.inUse, 'shared', work, options);
}
