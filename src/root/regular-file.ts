import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { systemErrorCode } from '../errors.ts';
import { type Directory, kernelPath } from './directories.ts';
import { notAFile, tooLarge } from './read-error.ts';
import type { OpenFile } from './root.ts';

/** For files whose size the kernel does not say, as those of procfs. */
const firstBytes = 4096;

/**
 * The content of a file that was a regular one a moment ago.
 *
 * Should somebody have put a FIFO or a device in its place, then O_NONBLOCK and O_NOCTTY keep
 * the open from waiting and from taking a terminal, and nothing is read.
 *
 * @param path how errors call it.
 * @returns undefined if the name is gone, or a link, by now.
 * @throws {RootError}
 */
export function readRegular(
  directory: Directory,
  name: string,
  path: string,
  maxBytes: number,
): Buffer | undefined {
  const file = openRegular(directory, name, path);
  if (file === undefined) return undefined;
  const { fd, size } = file;
  try {
    const content = size > maxBytes ? undefined : readBounded(fd, size, maxBytes);
    if (content === undefined) throw tooLarge(path, maxBytes);
    return content;
  } finally {
    closeSync(fd);
  }
}

/** The first bytes of such a file. @returns and throws as `readRegular`. */
export function readStartOf(
  directory: Directory,
  name: string,
  path: string,
  bytes: number,
): Buffer | undefined {
  const file = openRegular(directory, name, path);
  if (file === undefined) return undefined;
  try {
    const content = Buffer.alloc(bytes);
    return content.subarray(0, readSync(file.fd, content, 0, bytes, 0));
  } finally {
    closeSync(file.fd);
  }
}

/** Such a file, open. @returns and throws as `readRegular`, but for its size. */
export function openRegular(
  directory: Directory,
  name: string,
  path: string,
): OpenFile | undefined {
  const fd = openUnfollowed(directory, name);
  if (fd === undefined) return undefined;
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) throw notAFile(path, stats);
    return { fd, size: stats.size };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function openUnfollowed(directory: Directory, name: string): number | undefined {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY } = constants;
  try {
    return openSync(kernelPath(directory, name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  } catch (error) {
    if (['ENOENT', 'ELOOP'].includes(systemErrorCode(error) ?? '')) return undefined;
    throw error;
  }
}

/** @returns undefined if there is more than `maxBytes`, whatever the file said of its size. */
function readBounded(fd: number, size: number, maxBytes: number): Buffer | undefined {
  let content = Buffer.allocUnsafe(size === 0 ? Math.min(firstBytes, maxBytes + 1) : size + 1);
  let length = 0;
  for (;;) {
    const read = readSync(fd, content, length, content.length - length, null);
    length += read;
    if (length > maxBytes) return undefined;
    // One byte more than the size was asked for and not given: that was the end.
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
