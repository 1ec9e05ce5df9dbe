import { join } from 'node:path';
import { withLock, withLockIfFree } from '../common/process-lock.ts';
import { openLayoutAt, type ShippedImages } from '../oci/local-images.ts';
import { changeIndex, type Descriptor, readIndex } from './index-file.ts';
import { type Layout, layoutAt } from './layout.ts';
import { isLoaded, isStaged, loadedEntry, loadedName, marked } from './loaded-entry.ts';
import { layoutExists } from './make-layout.ts';
import { sweepUnneeded } from './remove.ts';

/**
 * The images that `berth load` brought into the store's directory, whatever the engine. Until a root is
 * staged with it, a loaded image takes precedence over the registries. Afterwards its manifests replace a
 * registry that is out of reach; its blobs are then the engine's.
 */
export interface LoadedImages {
  /** The images with which no root was staged yet. */
  readonly awaiting: ShippedImages;
  readonly all: ShippedImages;

  /**
   * Marks these images as staged, and removes what was kept only until then. If another process still needs
   * loaded images, a later stage marks them.
   */
  staged(images: readonly LoadedImage[]): Promise<void>;

  /** Forgets staged images whose manifests are not among these. */
  forget(kept: ReadonlySet<string>): Promise<void>;

  close(): Promise<void>;
}

export interface LoadedImage {
  readonly name: string;
  readonly manifest: string;
}

/**
 * Opens the loaded images. They stay whole until this is closed: no other process removes any of them.
 *
 * @returns undefined if nothing was loaded into this directory.
 */
export async function openLoaded(directory: string): Promise<LoadedImages | undefined> {
  const layout = layoutAt(directory);
  if (!layoutExists(layout)) return undefined;
  const read = () => readIndex(layout).manifests.filter(isLoaded);
  if (read().length === 0) return undefined;
  let hold = await holdLoaded(layout);
  const known = read();
  const awaiting = known.filter((descriptor) => !isStaged(descriptor));
  const opened = openLayoutAt(directory, {
    called: (path) => join(directory, path),
    hint: 'load the bundle again',
  });
  const change = async (of: (descriptor: Descriptor) => readonly Descriptor[]) => {
    await hold.end();
    await withLockIfFree(layout.loaded, () => changeLoaded(layout, of));
    hold = await holdLoaded(layout);
  };
  return {
    awaiting: opened.images(() => awaiting.flatMap(loadedEntry)),
    all: opened.images(() => known.flatMap(loadedEntry)),
    staged: async (images) => {
      const means = new Map(images.map(({ name, manifest }) => [name, manifest]));
      const isMeant = (of: Descriptor) => means.get(loadedName(of) ?? '') === of.digest;
      if (awaiting.some(isMeant)) await change((of) => (isMeant(of) ? [marked(of)] : [of]));
    },
    forget: async (kept) => {
      const isOver = (of: Descriptor) => isStaged(of) && !kept.has(of.digest);
      if (read().some(isOver)) await change((of) => (isOver(of) ? [] : [of]));
    },
    close: async () => {
      opened.close();
      await hold.end();
    },
  };
}

/** Keeps other processes from removing loaded images until `end`. */
async function holdLoaded({ loaded }: Layout): Promise<{ end(): Promise<void> }> {
  const began = Promise.withResolvers<void>();
  const over = Promise.withResolvers<void>();
  const held = withLock(loaded, 'shared', () => {
    began.resolve();
    return over.promise;
  });
  await Promise.race([began.promise, held]);
  return {
    end: () => {
      over.resolve();
      return held;
    },
  };
}

/** Runs `work` with the blobs in the directory of a store; none of them is swept meanwhile. */
export async function withStoredBlobs<T>(
  directory: string,
  work: (blobs: StoredBlobs | undefined) => Promise<T>,
): Promise<T> {
  const layout = layoutAt(directory);
  if (!layoutExists(layout)) return work(undefined);
  return withLock(layout.inUse, 'shared', async () => {
    const opened = openLayoutAt(directory, {
      called: (path) => join(directory, path),
      hint: 'check that the file system of the store is intact; move the file away, then try again',
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
  // If another berth is at work, its removals or the next ones sweep what is left.
  await withLockIfFree(layout.inUse, () => sweepUnneeded(layout));
}
