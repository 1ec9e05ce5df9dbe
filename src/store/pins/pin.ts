import { withLock } from '../../common/process-lock.ts';
import { EngineError } from '../../engine/errors.ts';
import { type Pin, type PinRequest } from '../../engine/pin.ts';
import { isWhole } from '../images.ts';
import { readIndex } from '../index-file.ts';
import { isLoaded } from '../loaded-entry.ts';
import { layoutExists } from '../make-layout.ts';
import type { Store } from '../opened.ts';
import { pinsOf, readPinFiles, type StoredPin, writePins } from './pin-file.ts';

export function allPins(store: Store): readonly Pin[] {
  return readPinFiles(store.layout.pins, store.pinFiles).flatMap(({ root, pins }) =>
    pins.map((pin) => ({ ...pin, engine: 'store', root, handle: `${root} ${pin.id}` })),
  );
}

/** @throws {EngineError} `no-such-image`, before anything is pinned. */
export async function pinImages(
  store: Store,
  root: string,
  requests: readonly PinRequest[],
): Promise<void> {
  const [first] = requests;
  if (first === undefined) return;
  if (!layoutExists(store.layout)) throw noSuchImage(store, first.id);
  await changePins(store, store.layout.pins, root, (before) => {
    const own = readIndex(store.layout).manifests.filter((descriptor) => !isLoaded(descriptor));
    const named = new Set(own.map(({ digest }) => digest));
    const gone = requests.find(({ id }) => !named.has(id) || !isWhole(store, id));
    if (gone !== undefined) throw noSuchImage(store, gone.id);
    const pins = new Map<string, StoredPin>(before.map((pin) => [pin.id, pin]));
    for (const request of requests) pins.set(request.id, { ...request, engine: undefined });
    return [...pins.values()];
  });
}

export async function unpinImages(store: Store, pins: readonly Pin[]): Promise<void> {
  if (pins.length === 0 || !layoutExists(store.layout)) return;
  for (const [root, dropped] of Map.groupBy(pins, (pin) => pin.root)) {
    const ids = new Set(dropped.map(({ id }) => id));
    await changePins(store, store.layout.pins, root, (before) =>
      before.filter(({ id }) => !ids.has(id)),
    );
  }
}

export function noSuchImage(store: Store, id: string): EngineError {
  return new EngineError('no-such-image', `${id} is not in ${store.layout.directory}`, {
    hint: 'stage the root again, or `berth pull` the image',
  });
}

type Change = (before: readonly StoredPin[]) => readonly StoredPin[];

/**
 * Changes the pins of a root under a shared `inUse`, so that no sweep comes between the check of an image
 * and its pin.
 */
export async function changePins(
  store: Store,
  directory: string,
  root: string,
  change: Change,
): Promise<void> {
  await withLock(store.layout.inUse, 'shared', () =>
    changePinsInUse(store, directory, root, change),
  );
}

/** As `changePins`, for callers that already hold `inUse`. */
export async function changePinsInUse(
  { layout, pinFiles }: Store,
  directory: string,
  root: string,
  change: Change,
): Promise<void> {
  await withLock(layout.writing, 'exclusive', async () => {
    const before = pinsOf(directory, pinFiles, root);
    const after = change(before).map(writtenFields);
    if (JSON.stringify(after) !== JSON.stringify(before)) {
      await writePins(layout, directory, root, after);
    }
  });
}

/**
 * Only the fields that belong in a file of pins. A `Pin` is also a `PinRequest`, with more fields, and its
 * names may have more too; a file with those would be refused as damaged.
 */
function writtenFields({ id, platform, names, fetched, record, engine }: StoredPin): StoredPin {
  const written = names.map(({ name, digest, manifest }) => ({ name, digest, manifest }));
  const fields = { id, platform, names: written, fetched, record };
  return engine === undefined ? fields : { ...fields, engine };
}
