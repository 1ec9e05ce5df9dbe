import { randomBytes } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import * as v from 'valibot';
import { parseBy } from '../common/check-by.ts';
import { isOutOfSpace, systemErrorCode } from '../common/errors.ts';
import { makeDirectory } from '../common/files/make-directory.ts';
import { writeWhole } from '../common/files/write-whole.ts';
import { StateError } from './error.ts';

/** The largest file that is read, in bytes: a record of that size has tens of thousands of references. */
const MAX_BYTES = 64 * 1024 * 1024;

/** A file is larger than is read. */
class TooLarge extends Error {}

/**
 * Writes a file of the state directory whole or not at all.
 *
 * @throws {BerthError} `state-directory` if it can't be written.
 */
export function writeStateFile(path: string, text: string): void {
  const directory = dirname(path);
  const stem = basename(path, '.json');
  const temporary = join(directory, `.${stem}.${randomBytes(6).toString('hex')}`);
  try {
    makeDirectory(directory);
    writeWhole(path, text, temporary);
  } catch (error) {
    throw stateError(path, error);
  }
}

/**
 * Reads a file of the state directory, up to a size limit.
 *
 * @returns undefined if the file does not exist.
 */
export function readStateFile(path: string): string | undefined {
  let fd: number;
  try {
    // Opening a FIFO, for instance, must not hang berth.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) throw new Error('it is not a regular file');
    if (stats.size > MAX_BYTES) throw new TooLarge(`it is larger than ${MAX_BYTES} bytes`);
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
}

/** The errors of a file that can be read, but not understood. */
const USELESS = [v.ValiError, SyntaxError, TooLarge];

/**
 * Reads a document that berth can do without.
 *
 * @returns undefined if the file does not exist, is too large or can't be understood; the next write replaces it.
 * @throws {BerthError} `state-directory` if it can't be read.
 */
export function readNote<T extends v.GenericSchema>(
  path: string,
  schema: T,
): v.InferOutput<T> | undefined {
  try {
    const text = readStateFile(path);
    return text === undefined ? undefined : parseBy(schema, JSON.parse(text));
  } catch (error) {
    if (USELESS.some((kind) => error instanceof kind)) return undefined;
    throw stateError(path, error);
  }
}

export function stateError(path: string, error: unknown): StateError {
  const reason = error instanceof Error ? error.message : String(error);
  if (isOutOfSpace(error)) {
    return new StateError('no-space', `no space is left to write ${path}: ${reason}`, {
      hint: 'make space there; `berth prune` removes what released roots left',
      kind: 'refused',
      cause: error,
    });
  }
  return new StateError('state-directory', `can't use ${path}: ${reason}`, {
    hint: 'run as the user that owns the state directory, or name another with --state-dir',
    cause: error,
  });
}
