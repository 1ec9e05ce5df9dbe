import type { EngineId } from '../../common/engine-id.ts';
import { withLockIfFree } from '../../common/process-lock.ts';
import type { Pin, PinnedName, PinRequest } from '../../engine/pin.ts';
import type { ResolvedImage } from '../../image/resolved.ts';
import { layoutExists } from '../make-layout.ts';
import { storedManifest } from '../manifest.ts';
import type { Store } from '../opened.ts';
import { sweepUnneeded } from '../remove.ts';
import { changePins, changePinsInUse } from './pin.ts';
import { readPinFiles, type StoredPin } from './pin-file.ts';

/** The engines for which images wait. */
export function enginesWaitedFor(store: Store): readonly EngineId[] {
  const holds = readPinFiles(store.layout.waiting, store.pinFiles).flatMap(({ pins }) => pins);
  return [...new Set(holds.map((hold) => engineOf(store, hold)))].sort();
}

/**
 * Whether the image waits for this engine under the same name: then it was judged when it arrived. The holds
 * of other engines don't count. They may be months old, from before a change of policy.json.
 */
export function wasPermitted(store: Store, engine: EngineId, image: ResolvedImage): boolean {
  return readPinFiles(store.layout.waiting, store.pinFiles).some(({ pins }) =>
    pins.some(
      (hold) =>
        engineOf(store, hold) === engine && hold.names.some((served) => isSame(image, served)),
    ),
  );
}

/**
 * The images that wait for an engine as pins. Without its manifest, a hold does not tell the engine's id of
 * its image, and is left out.
 */
export function waitingPins(store: Store, engine: EngineId): readonly Pin[] {
  const { layout, pinFiles, manifests } = store;
  return readPinFiles(layout.waiting, pinFiles).flatMap(({ root, pins }) =>
    pins.flatMap((hold): Pin[] => {
      if (engineOf(store, hold) !== engine) return [];
      const id = storedManifest(layout, manifests, hold.id)?.blobs[0]?.digest;
      return id === undefined ? [] : [{ ...hold, engine, id, root, handle: hold.id }];
    }),
  );
}

/** Holds an image whose manifest is stored. The caller must hold `inUse`. */
export async function holdImage(
  store: Store,
  engine: EngineId,
  { root, request }: { readonly root: string; readonly request: PinRequest },
  image: ResolvedImage,
): Promise<void> {
  const id = image.manifest;
  const isEarlier = (hold: StoredPin) => hold.id === id && engineOf(store, hold) === engine;
  await changePinsInUse(store, store.layout.waiting, root, (before) => {
    const earlier = before.filter(isEarlier).flatMap(({ names }) => names);
    // A name that was not judged must not enter the hold.
    const names = request.names.filter(
      (served) => isSame(image, served) || earlier.some((one) => isSame(one, served)),
    );
    const written = engine === store.unnamedEngine ? undefined : engine;
    return [
      ...before.filter((hold) => !isEarlier(hold)),
      { ...request, id, names, engine: written },
    ];
  });
}

/**
 * Drops holds of an engine, and also every hold whose manifest is gone. A manifest is written before its
 * hold, so it was lost since, and such a hold could never be named to be dropped.
 */
export async function dropHolds(
  store: Store,
  engine: EngineId,
  pins: readonly Pin[],
): Promise<void> {
  const { layout, pinFiles, manifests } = store;
  if (!layoutExists(layout)) return;
  const own = pins.filter((pin) => pin.engine === engine);
  const dropped = new Set(own.map(({ root, handle }) => `${root} ${handle}`));
  const isLetGo = (root: string, hold: StoredPin) =>
    (engineOf(store, hold) === engine && dropped.has(`${root} ${hold.id}`)) ||
    storedManifest(layout, manifests, hold.id) === undefined;
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

function engineOf({ unnamedEngine }: Store, hold: StoredPin): EngineId {
  return hold.engine ?? unnamedEngine;
}

function isSame(one: PinnedName, other: PinnedName): boolean {
  return one.name === other.name && one.digest === other.digest && one.manifest === other.manifest;
}
