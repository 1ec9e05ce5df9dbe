import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { systemErrorCode } from '../../common/errors.ts';

/** In bytes: enough for ten thousand pins. */
const MAX_BYTES = 16 * 1024 * 1024;

/**
 * The text of a file of CRI-O's configuration; undefined if it does not exist.
 *
 * @param fail makes the error for a file that can't be read, or that is none.
 */
export function readBounded(
  path: string,
  fail: (reason: string, cause?: unknown) => Error,
): string | undefined {
  let fd: number;
  try {
    // Opening a FIFO must not hang berth.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw fail(String(error), error);
  }
  try {
    const found = fstatSync(fd);
    if (!found.isFile()) throw fail('it is no regular file');
    if (found.size > MAX_BYTES) throw fail(`it is larger than ${MAX_BYTES} bytes`);
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
}
