import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { systemErrorCode } from '../common/errors.ts';
import { type Directory, kernelPath, O_PATH } from './directories.ts';
import { notAFile, tooLarge } from './read-error.ts';
import type { OpenFile } from './root.ts';

/** The size of the first buffer for files whose size the kernel does not tell, as in procfs. */
const firstBytes = 4096;

/** An open regular file with its owner and mode. */
export interface OpenRegular extends OpenFile {
  readonly stats: Stats;
}

/**
 * Opens a regular file; the caller closes it.
 *
 * First only the name is opened (O_PATH). If it names a regular file, the file itself is opened
 * through that descriptor. So no device and no FIFO is ever opened, even if the file was replaced
 * meanwhile, or a damaged file system reports the wrong kind of an entry.
 *
 * @param path the name of the file in errors.
 * @returns undefined if the name is gone or has become a link.
 * @throws {RootError} `not-a-file`
 */
export function openRegular(
  directory: Directory,
  name: string,
  path: string,
): OpenRegular | undefined {
  const named = openName(directory, name);
  if (named === undefined) return undefined;
  try {
    const stats = fstatSync(named);
    if (stats.isSymbolicLink()) return undefined;
    if (!stats.isFile()) throw notAFile(path, stats);
    const { O_RDONLY, O_NONBLOCK, O_NOCTTY } = constants;
    const fd = openSync(`/proc/self/fd/${named}`, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    return { fd, size: stats.size, stats };
  } finally {
    closeSync(named);
  }
}

function openName(directory: Directory, name: string): number | undefined {
  try {
    return openSync(kernelPath(directory, name), O_PATH | constants.O_NOFOLLOW);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Reads an open file completely.
 *
 * @throws {RootError} `too-large`
 */
export function readWhole({ fd, size }: OpenFile, path: string, maxBytes: number): Buffer {
  const content = size > maxBytes ? undefined : readBounded(fd, size, maxBytes);
  if (content === undefined) throw tooLarge(path, maxBytes);
  return content;
}

/** The first bytes of an open file. */
export function readStartOf({ fd, size }: OpenFile, bytes: number): Buffer {
  // The kernel does not tell the size of files as in procfs.
  const content = Buffer.alloc(size === 0 ? bytes : Math.min(size, bytes));
  return content.subarray(0, readSync(fd, content, 0, content.length, 0));
}

/** @returns undefined if the file has more than `maxBytes`, whatever size the kernel told. */
function readBounded(fd: number, size: number, maxBytes: number): Buffer | undefined {
  let content = Buffer.allocUnsafe(size === 0 ? Math.min(firstBytes, maxBytes + 1) : size + 1);
  let length = 0;
  for (;;) {
    const read = readSync(fd, content, length, content.length - length, null);
    length += read;
    if (length > maxBytes) return undefined;
    // The read asked for one byte more than the size and did not get it: the file has ended.
    if (read === 0 || (length === size && length < content.length)) {
      return content.subarray(0, length);
    }
    if (length === content.length) {
      const larger = Buffer.allocUnsafe(Math.min(length * 2, maxBytes + 1));
      content.copy(larger);
      content = larger;
    }
  }
}
