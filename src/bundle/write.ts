import { randomBytes } from 'node:crypto';
import { createWriteStream, constants as files } from 'node:fs';
import { access, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createZstdCompress } from 'node:zlib';
import { BerthError, systemErrorCode } from '../common/errors.ts';
import { fileSystemOf } from '../common/file-system.ts';
import { syncDirectory } from '../common/files/make-directory.ts';
import { formatBytes } from '../common/format-bytes.ts';
import { BundleError } from './failure.ts';

/**
 * The fastest level. Most layers are already compressed, and no level makes them smaller; this level halves
 * the others, at about a second for each GB.
 */
const LEVEL = 1;

/** In bytes: fewer and larger pieces cost less than Node's default. */
const CHUNK = 256 * 1024;

/**
 * Writes an archive, compressed, to a file: whole or not at all. A pipe or a device gets the bytes as they
 * arrive.
 *
 * @param bytes the estimated size of the archive.
 * @throws {BerthError} `no-space`, before the archive is begun; `unwritable`; and errors of the archive.
 */
export async function writeBundle(
  archive: AsyncIterable<Buffer>,
  path: string,
  bytes: number,
  signal: AbortSignal,
): Promise<void> {
  const target = await writing(path, () => targetOf(path));
  if (!target.isRegular) return compressed(archive, path, createWriteStream(path), signal);
  await checkSpace(target.path, bytes);
  const directory = dirname(target.path);
  const unique = `.${basename(target.path)}.${randomBytes(6).toString('hex')}`;
  const temporary = join(directory, unique);
  try {
    await compressed(
      archive,
      path,
      createWriteStream(temporary, { flags: 'wx', flush: true }),
      signal,
    );
    await writing(path, async () => {
      await rename(temporary, target.path);
      syncDirectory(directory);
    });
  } finally {
    await rm(temporary, { force: true });
  }
}

/**
 * Refuses, before anything is fetched, a path to which `writeBundle` can't write.
 *
 * @throws {BerthError} `unwritable`
 */
export async function checkWritable(path: string): Promise<void> {
  await writing(path, async () => {
    const { path: target, isRegular } = await targetOf(path);
    if (!isRegular && (await stat(target)).isDirectory())
      throw unwritable(path, 'it is a directory');
    await access(isRegular ? dirname(target) : target, files.W_OK);
  });
}

/** Writes an archive, compressed, to a stream, and ends the stream. */
export async function compressed(
  archive: AsyncIterable<Buffer>,
  path: string,
  output: Writable,
  signal: AbortSignal,
): Promise<void> {
  const params = { [constants.ZSTD_c_compressionLevel]: LEVEL };
  const zstd = createZstdCompress({ params, chunkSize: CHUNK });
  const bytes = Readable.from(archive, { objectMode: false, highWaterMark: CHUNK });
  await writing(path, () => pipeline(bytes, zstd, output, { signal }), signal);
}

async function targetOf(path: string): Promise<{ path: string; isRegular: boolean }> {
  try {
    const real = await realpath(path);
    return { path: real, isRegular: (await stat(real)).isFile() };
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
    return { path, isRegular: true };
  }
}

async function checkSpace(path: string, bytes: number): Promise<void> {
  const { free } = await fileSystemOf(dirname(path));
  if (free >= bytes) return;
  throw noSpace(`${formatBytes(bytes)} for ${path}, found ${formatBytes(free)} free`);
}

async function writing<T>(path: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  try {
    return await work();
  } catch (error) {
    signal?.throwIfAborted();
    const code = systemErrorCode(error);
    if (error instanceof BerthError || !(error instanceof Error) || code === undefined) throw error;
    if (code === 'ENOSPC' || code === 'EDQUOT') throw noSpace(`room for ${path}: ${error.message}`);
    if (!('syscall' in error)) throw error;
    throw unwritable(path, error.message, error);
  }
}

function unwritable(path: string, why: string, cause?: Error): BundleError {
  return new BundleError('unwritable', `can't write ${path}: ${why}`, {
    hint:
      systemErrorCode(cause) === 'EPIPE'
        ? 'find out why the program that reads it ended'
        : 'name a file in an existing directory that you may write to',
    cause,
  });
}

function noSpace(expected: string): BundleError {
  return new BundleError('no-space', `expected ${expected}`, {
    hint: 'make space there, or write the bundle elsewhere; a file that was there before is unchanged',
  });
}
