import { randomBytes } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { systemErrorCode } from '../common/errors.ts';
import { makeDirectory } from '../common/files/make-directory.ts';
import { damaged, storeFailure } from './failure.ts';
import type { Layout } from './layout.ts';

/**
 * Reads a whole file of the store.
 *
 * @returns undefined if the file does not exist.
 * @throws {EngineError} `store-damaged` if it is larger than `maxBytes`.
 */
export function readBounded(path: string, maxBytes: number): Buffer | undefined {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw storeFailure(path, error);
  }
  try {
    const { size } = fstatSync(fd);
    if (size > maxBytes) {
      const hint = 'berth did not write this; move the file away, then stage again';
      throw damaged(path, `is ${size} bytes long, expected ${maxBytes} at most`, hint);
    }
    const content = Buffer.allocUnsafe(size);
    let filled = 0;
    while (filled < size) {
      const read = readSync(fd, content, filled, size - filled, filled);
      if (read === 0) break;
      filled += read;
    }
    return content.subarray(0, filled);
  } catch (error) {
    throw storeFailure(path, error);
  } finally {
    closeSync(fd);
  }
}

/**
 * Makes a file whole or not at all: it is written under another name, synced, then renamed. A power cut can
 * still lose the new name until `syncDirectory`.
 *
 * @throws {EngineError} `no-space` and others, and whatever `fill` throws. Nothing is left in that case.
 */
export async function writeAtomically(
  layout: Layout,
  path: string,
  fill: (file: FileHandle) => Promise<void>,
): Promise<void> {
  const unique = `${basename(path)}.${randomBytes(6).toString('hex')}`;
  const temporary = join(layout.temporary, unique);
  try {
    const file = await opened(temporary);
    try {
      await fill(file);
      await file.datasync().catch((error: unknown) => {
        throw storeFailure(path, error);
      });
    } finally {
      await file.close();
    }
    await rename(temporary, path).catch((error: unknown) => {
      throw storeFailure(path, error);
    });
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** As `writeAtomically`, for content in memory; also syncs the name. */
export async function writeWhole(layout: Layout, path: string, content: string): Promise<void> {
  await writeAtomically(layout, path, (file) => writeAll(file, Buffer.from(content), path));
  await syncDirectory(dirname(path));
}

/**
 * @param path the path of the finished file.
 * @param at the offset in the file.
 * @throws {EngineError}
 */
export async function writeAll(
  file: FileHandle,
  chunk: Buffer,
  path: string,
  at = 0,
): Promise<void> {
  try {
    for (let done = 0; done < chunk.length; ) {
      done += (await file.write(chunk, done, chunk.length - done, at + done)).bytesWritten;
    }
  } catch (error) {
    throw storeFailure(path, error);
  }
}

/** Syncs the names in a directory to disk. */
export async function syncDirectory(path: string): Promise<void> {
  try {
    const directory = await open(path, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  } catch (error) {
    throw storeFailure(path, error);
  }
}

/** Opens a temporary file. The directory is made again if somebody has removed it. */
async function opened(temporary: string): Promise<FileHandle> {
  try {
    makeDirectory(dirname(temporary));
    return await open(temporary, 'wx', 0o600);
  } catch (error) {
    throw storeFailure(temporary, error);
  }
}

export async function remove(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true }).catch((error: unknown) => {
    throw storeFailure(path, error);
  });
}
