import { withLock, withLockIfFree } from '../common/process-lock.ts';
import type { Blob } from '../image/resolved.ts';
import { isPresent } from './blob.ts';
import { ChunkWriter } from './chunk-writer.ts';
import { syncDirectory, writeAll, writeAtomically } from './file.ts';
import { changeIndex } from './index-file.ts';
import { blobPath, layoutAt } from './layout.ts';
import { withLoaded } from './loaded-entry.ts';
import { layoutExists, makeLayout } from './make-layout.ts';
import { storedBytes } from './manifest.ts';
import { recoverTemporary } from './partial.ts';
import { keepSignatures } from './signatures.ts';

/** An image that reaches the store's directory by another way than an engine's fetch. */
export interface ReceivedImage {
  readonly name: string;
  readonly mediaType: string;
  readonly digest: string;
  readonly manifest: string;
  readonly platform: string;
}

/** Takes in blobs whose digests the source checks: a wrong blob ends with an error. */
export interface Receiver {
  /** Whether the blob is stored and whole. */
  has(blob: Blob): boolean;

  /** Stores the bytes if they end without an error. */
  write(blob: Blob, bytes: AsyncIterable<Buffer>): Promise<void>;

  writeDocument(digest: string, content: Buffer): Promise<void>;

  /** Stores signatures of a manifest, as files. */
  sign(manifest: string, signatures: readonly Buffer[]): Promise<void>;

  /** Writes the names, last, when everything that they need is stored. */
  name(images: readonly ReceivedImage[], documents: ReadonlyMap<string, Buffer>): Promise<void>;
}

/** Whether a blob lies in the directory of a store, which need not exist. */
export function liesIn(directory: string, blob: Blob): boolean {
  const layout = layoutAt(directory);
  return layoutExists(layout) && isPresent(layout, blob);
}

/**
 * Takes images into the directory of a store, made if need be, where `openLoaded` finds them. Nothing is
 * swept meanwhile. Even if this is killed, every named image has all its received blobs.
 */
export async function receive<T>(
  directory: string,
  signal: AbortSignal,
  work: (receiver: Receiver) => Promise<T>,
): Promise<T> {
  const layout = layoutAt(directory);
  await makeLayout(layout);
  await withLockIfFree(layout.inUse, () => recoverTemporary(layout));
  const receiver: Receiver = {
    has: (blob) => isPresent(layout, blob),
    write: async (blob, bytes) => {
      const path = blobPath(layout, blob.digest);
      await writeAtomically(layout, path, async (file) => {
        const writer = new ChunkWriter(file, path, blob.size);
        for await (const chunk of bytes) {
          signal.throwIfAborted();
          await writer.write(chunk);
        }
        await writer.end();
      });
    },
    writeDocument: async (digest, content) => {
      if (storedBytes(layout, digest) !== undefined) return;
      const path = blobPath(layout, digest);
      await writeAtomically(layout, path, (file) => writeAll(file, content, path));
    },
    sign: (manifest, signatures) => keepSignatures(layout, manifest, signatures),
    name: async (images, documents) => {
      await syncDirectory(layout.blobs);
      await changeIndex(
        layout,
        (index) =>
          images.reduce((before, { mediaType, digest, manifest, name, platform }) => {
            const size = documents.get(manifest)?.length ?? 0;
            const descriptor = { mediaType, digest: manifest, size };
            const of = { name, platform, index: digest === manifest ? undefined : digest };
            return withLoaded(before, descriptor, of);
          }, index),
        signal,
      );
    },
  };
  return withLock(layout.inUse, 'shared', () => work(receiver), { signal });
}
