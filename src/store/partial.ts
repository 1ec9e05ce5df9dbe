import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { systemErrorCode } from '../common/errors.ts';
import { makeDirectory } from '../common/files/make-directory.ts';
import { EngineError } from '../engine/errors.ts';
import { type Blob, distinctBlobs } from '../image/resolved.ts';
import { BlobProgress } from '../registry/blob-progress.ts';
import { RegistryError } from '../registry/errors.ts';
import { isPresent } from './blob.ts';
import { storeFailure } from './failure.ts';
import { blobPath, entriesOf, type Layout } from './layout.ts';

/** In bytes: continuing a shorter download would save nothing. */
const WORTH_KEEPING = 64 * 1024;

/** In milliseconds: a download that nobody has continued for so long is needed for no boot. */
const KEPT_FOR = 14 * 24 * 60 * 60 * 1000;

/** In bytes: the size of the reads that hash what is already there. */
const READ_SIZE = 1024 * 1024;

/** A blob that is being written, perhaps from where an earlier try ended. */
export interface BegunBlob {
  readonly file: FileHandle;
  /** The path of the finished blob. */
  readonly path: string;
  /** The part of the blob that the file already has. */
  readonly progress: BlobProgress;
  /** Syncs the file and renames it to the blob's name, which `syncDirectory` brings to disk. */
  finish(): Promise<void>;
  /** Keeps the received bytes for the next try, unless the error shows that they are useless. */
  abandon(error: unknown): Promise<void>;
}

/**
 * Begins a blob in a file of this process's own. The file of an earlier try is taken over by a rename, so
 * that only one of two processes gets it. Its bytes are hashed again, not trusted.
 *
 * @throws {EngineError}
 */
export async function beginBlob(layout: Layout, blob: Blob): Promise<BegunBlob> {
  const path = blobPath(layout, blob.digest);
  const hex = hexOf(blob.digest);
  const own = join(layout.temporary, `${hex}.${randomBytes(6).toString('hex')}`);
  const kept = keptPath(layout, hex);
  try {
    const file = await opened(layout, kept, own);
    const progress = new BlobProgress();
    await readAgain(file, progress, blob.size);
    return {
      file,
      path,
      progress,
      finish: () => finish(file, own, path),
      abandon: async (error) => {
        await file.close();
        // The file is gone if somebody has removed it.
        const { size = 0 } = statSync(own, { throwIfNoEntry: false }) ?? {};
        if (size >= WORTH_KEEPING && isWorthKeeping(error)) await rename(own, kept);
        else await rm(own, { force: true });
      },
    };
  } catch (error) {
    throw storeFailure(path, error);
  }
}

/**
 * Cleans up after killed runs: half-written blobs are kept so that the next try can continue them,
 * everything else is removed. The caller must hold `inUse` exclusively.
 */
export async function recoverTemporary(layout: Layout): Promise<void> {
  for (const entry of entriesOf(layout.temporary)) {
    const path = join(layout.temporary, entry);
    const hex = /^([0-9a-f]{64})\./.exec(entry)?.[1];
    const kept = hex === undefined ? undefined : keptPath(layout, hex);
    try {
      const { size, mtimeMs } = statSync(path);
      const isKept = size >= WORTH_KEEPING && Date.now() - mtimeMs < KEPT_FOR;
      if (kept === undefined || !isKept) await rm(path, { recursive: true, force: true });
      else if (path !== kept) await rename(path, kept);
    } catch (error) {
      throw storeFailure(path, error);
    }
  }
}

/** How many bytes of a blob an earlier try has left. */
function keptSize(layout: Layout, { digest, size }: Blob): number {
  const found = statSync(keptPath(layout, hexOf(digest)), { throwIfNoEntry: false });
  return found === undefined || found.size > size ? 0 : found.size;
}

/**
 * The blobs that are not stored here, each once. For a partly downloaded blob, `size` is what is still
 * missing.
 */
export function missingOf(layout: Layout, blobs: readonly Blob[]): readonly Blob[] {
  return distinctBlobs(blobs)
    .filter((blob) => !isPresent(layout, blob))
    .map((blob) => ({ ...blob, size: blob.size - keptSize(layout, blob) }));
}

function keptPath(layout: Layout, hex: string): string {
  return join(layout.temporary, `${hex}.partial`);
}

async function opened(layout: Layout, kept: string, own: string): Promise<FileHandle> {
  try {
    await rename(kept, own);
    return await open(own, 'r+');
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
  }
  // The directory is made again if somebody has removed it.
  makeDirectory(layout.temporary);
  return open(own, 'wx', 0o600);
}

async function readAgain(file: FileHandle, progress: BlobProgress, size: number): Promise<void> {
  const { size: found } = await file.stat();
  if (found > size) return file.truncate(0);
  if (found === 0) return;
  const buffer = Buffer.allocUnsafe(Math.min(found, READ_SIZE));
  while (progress.length < found) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, null);
    if (bytesRead === 0) return;
    progress.add(buffer.subarray(0, bytesRead));
  }
}

async function finish(file: FileHandle, own: string, path: string): Promise<void> {
  try {
    await file.datasync();
    await rename(own, path);
    await file.close();
  } catch (error) {
    throw storeFailure(path, error);
  }
}

/** Bytes that turned out wrong, and bytes that fill the disk, are not worth keeping. */
function isWorthKeeping(error: unknown): boolean {
  if (error instanceof EngineError) return error.code !== 'no-space';
  if (!(error instanceof RegistryError)) return true;
  return error.code !== 'digest-mismatch' && error.code !== 'bad-reply';
}

function hexOf(digest: string): string {
  return digest.slice('sha256:'.length);
}
