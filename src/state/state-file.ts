import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import * as v from 'valibot';
import { isOutOfSpace, systemErrorCode } from '../common/errors.ts';
import { makeDirectory, syncDirectory } from '../common/make-directory.ts';
import { StateError } from './error.ts';

/** The largest file that is read, in bytes: a record of that size has tens of thousands of references. */
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * Writes a file of the state directory whole or not at all: temporary file, fsync, rename, fsync
 * of the directory.
 *
 * @throws {BerthError} `state-directory` if it can't be written.
 */
export function writeStateFile(path: string, text: string): void {
  const directory = dirname(path);
  const stem = basename(path, '.json');
  const temporary = join(directory, `.${stem}.${randomBytes(6).toString('hex')}`);
  try {
    makeDirectory(directory);
    const fd = openSync(temporary, 'wx', 0o600);
    try {
      writeFileSync(fd, text);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
    syncDirectory(directory);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw stateError(path, error);
  }
}

/**
 * Reads a file of the state directory, within bounds.
 *
 * @returns undefined if it is not there.
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
    if (stats.size > MAX_BYTES) throw new Error(`it is larger than ${MAX_BYTES} bytes`);
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
}

/**
 * Reads a document of the state directory that berth can do without.
 *
 * @returns undefined if it is not there, or can't be understood: it is written anew then.
 * @throws {BerthError} `state-directory` if it can't be read.
 */
export function readNote<T extends v.GenericSchema>(
  path: string,
  schema: T,
): v.InferOutput<T> | undefined {
  try {
    const text = readStateFile(path);
    return text === undefined ? undefined : v.parse(schema, JSON.parse(text));
  } catch (error) {
    if (error instanceof v.ValiError || error instanceof SyntaxError) return undefined;
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
