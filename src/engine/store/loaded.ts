import { join } from 'node:path';
import { openLayoutAt, type ShippedImages } from '../../registry/shipped.ts';
import { withLock, withLockIfFree } from '../file-lock.ts';
import { changeIndex, type Descriptor, readIndex } from './index-file.ts';
import { type Layout, layoutAt, layoutExists } from './layout.ts';
import { isLoaded, isStaged, loadedEntry, loadedName, marked } from './loaded-entry.ts';
import { sweepUnneeded } from './remove.ts';

/**
 * What `berth load` brought into the store's directory, whatever engine there is. Until a root is
 * staged with it, it goes before the registries; afterwards it stands in for one that is out of
 * reach, as far as its manifests tell: the rest is the engine's then.
 */
export interface LoadedImages {
  /** Those that no root was staged with yet. */
  readonly awaiting: ShippedImages;
  readonly all: ShippedImages;

  /** Says that a root was staged with these, and lets go of what only waited for it. */
  staged(images: readonly LoadedImage[]): Promise<void>;

  /** Forgets those that were staged and are none of these manifests. */
  forget(kept: ReadonlySet<string>): Promise<void>;

  close(): void;
}

export interface LoadedImage {
  readonly name: string;
  readonly manifest: string;
}

/** @returns undefined if the directory has no store. */
export function openLoaded(directory: string): LoadedImages | undefined {
  const layout = layoutAt(directory);
  if (!layoutExists(layout)) return undefined;
  const place = {
    called: (path: string) => join(directory, path),
    hint: 'load the bundle again',
  };
  let known: readonly Descriptor[] | undefined;
  const read = () => (known ??= readIndex(layout).manifests.filter(isLoaded));
  const awaiting = () => read().filter((descriptor) => !isStaged(descriptor));
  const opened = openLayoutAt(directory, place);
  return {
    awaiting: opened.images(() => awaiting().flatMap(loadedEntry)),
    all: opened.images(() => read().flatMap(loadedEntry)),
    staged: async (images) => {
      const means = new Map(images.map(({ name, manifest }) => [name, manifest]));
      const isMeant = (of: Descriptor) => means.get(loadedName(of) ?? '') === of.digest;
      if (!awaiting().some(isMeant)) return;
      const change = (of: Descriptor) => (isMeant(of) ? [marked(of)] : [of]);
      await changeLoaded(layout, change);
    },
    forget: async (kept) => {
      if (!read().some(isStaged)) return;
      await changeLoaded(layout, (of) => (isStaged(of) && !kept.has(of.digest) ? [] : [of]));
    },
    close: () => opened.close(),
  };
}

/** Runs the work with the blobs that lie in the directory of a store; none is swept meanwhile. */
export async function withStoredBlobs<T>(
  directory: string,
  work: (blobs: StoredBlobs | undefined) => Promise<T>,
): Promise<T> {
  const layout = layoutAt(directory);
  if (!layoutExists(layout)) return work(undefined);
  return withLock(layout.inUse, 'shared', async () => {
    const opened = openLayoutAt(directory, {
      called: (path) => join(directory, path),
      hint: 'see that the file system of the store is sound; move the file away, then try again',
    });
    try {
      return await work(opened.images(() => []));
    } finally {
      opened.close();
    }
  });
}

export type StoredBlobs = Pick<ShippedImages, 'has' | 'read'>;

async function changeLoaded(
  layout: Layout,
  change: (descriptor: Descriptor) => readonly Descriptor[],
): Promise<void> {
  await withLock(layout.inUse, 'shared', () =>
    changeIndex(layout, (index) => ({
      ...index,
      manifests: index.manifests.flatMap((of) => (isLoaded(of) ? change(of) : [of])),
    })),
  );
  // Where another berth is at work, its removals or the next take what is left over.
  await withLockIfFree(layout.inUse, () => sweepUnneeded(layout));
}
