import { join } from 'node:path';
import { append } from '../common/append.ts';
import { withLock } from '../common/process-lock.ts';
import { storedSize } from './blob.ts';
import { clearTemporary } from './broken-downloads.ts';
import { remove } from './file.ts';
import { type Index, indexDigestOf, readIndex, writeIndex } from './index-file.ts';
import { entriesOf, type Layout } from './layout.ts';
import { isLoaded, isStaged } from './loaded-entry.ts';
import { layoutExists } from './make-layout.ts';
import { leadsTo } from './manifest.ts';
import type { Store } from './opened.ts';
import { recoverTemporary } from './partial.ts';
import { readPinFiles } from './pins/pin-file.ts';
import { sweepSignatures } from './signatures.ts';

/**
 * Removes an image's names, then every blob that nothing needs any more. In this order every named image is
 * whole even if this is killed; the next removal sweeps what is left.
 *
 * @returns false if a root has pinned the image.
 * @throws {EngineError} `store-damaged` if a pin can't be read.
 */
export async function removeImage(store: Store, id: string): Promise<boolean> {
  const { layout } = store;
  if (!layoutExists(layout)) return true;
  return withLock(layout.inUse, 'exclusive', async () => {
    const pinFiles = readPinFiles(layout.pins, store.pinFiles);
    if (pinFiles.some(({ pins }) => pins.some((pin) => pin.id === id))) return false;
    const before = readIndex(layout);
    const kept = before.manifests.filter((d) => d.digest !== id || isLoaded(d));
    const index = { ...before, manifests: kept };
    if (index.manifests.length < before.manifests.length) await writeIndex(layout, index);
    await sweep(store, needed(store, index));
    await clearTemporary(layout);
    return true;
  });
}

/** The number of bytes that `removeImage` of each of these images would free. */
export function freedBy(store: Store, ids: ReadonlySet<string>): number {
  const { layout } = store;
  const before = readIndex(layout);
  const left = before.manifests.filter((d) => !ids.has(d.digest) || isLoaded(d));
  const index = { ...before, manifests: left };
  const kept = needed(store, index);
  return entriesOf(layout.blobs)
    .filter((entry) => !kept.has(`sha256:${entry}`))
    .reduce((sum, entry) => sum + (storedSize(layout, `sha256:${entry}`) ?? 0), 0);
}

/**
 * Removes the blobs that nothing needs. Partial downloads stay, so that they can be continued. The caller
 * must hold `inUse` exclusively.
 */
export async function sweepUnneeded(layout: Layout): Promise<void> {
  const store = { layout, manifests: new Map(), pinFiles: new Map() };
  await sweep(store, needed(store, readIndex(layout)));
  await recoverTemporary(layout);
}

type Blobs = Pick<Store, 'layout' | 'manifests' | 'pinFiles'>;

/** The digests of all blobs to which index.json, a pin, or any engine's hold leads. */
function needed(store: Blobs, index: Index): ReadonlySet<string> {
  const { layout, manifests, pinFiles } = store;
  const pins = [layout.pins, layout.waiting]
    .flatMap((directory) => readPinFiles(directory, pinFiles))
    .flatMap((file) => file.pins);
  const reached = new Set<string>();
  const whole = index.manifests.filter((descriptor) => !isStaged(descriptor));
  const open = [...whole.map(({ digest }) => digest), ...pins.map(({ id }) => id)];
  for (let digest = open.pop(); digest !== undefined; digest = open.pop()) {
    if (reached.has(digest)) continue;
    reached.add(digest);
    const next = leadsTo(layout, manifests, digest);
    for (const blob of next.blobs) reached.add(blob);
    append(open, next.manifests);
  }
  // An index is kept only as a document: the images for other platforms that it lists are not stored.
  for (const descriptor of index.manifests) {
    reached.add(descriptor.digest).add(indexDigestOf(descriptor) ?? '');
  }
  for (const pin of pins) for (const { digest } of pin.names) reached.add(digest);
  return reached;
}

async function sweep(store: Blobs, kept: ReadonlySet<string>): Promise<void> {
  const { layout, manifests } = store;
  for (const entry of entriesOf(layout.blobs)) {
    if (kept.has(`sha256:${entry}`)) continue;
    manifests.delete(`sha256:${entry}`);
    await remove(join(layout.blobs, entry));
  }
  await sweepSignatures(layout, kept);
}
