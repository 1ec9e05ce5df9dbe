import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isOutOfSpace } from '../../common/errors.ts';
import { makeDirectory, syncDirectory } from '../../common/make-directory.ts';
import { EngineError } from '../errors.ts';

/** Only root, as whom CRI-O runs, may read the file: names of images may come from files that others can't read. */
const MODE = 0o600;

/**
 * Writes a drop-in whole or not at all. The file is written beside the directory, because CRI-O reads every
 * file in it, half-written ones too.
 *
 * @throws {EngineError}
 */
export function writeDropIn(path: string, text: string): void {
  const directory = dirname(path);
  const temporary = join(dirname(directory), `.berth-${randomBytes(6).toString('hex')}`);
  try {
    makeDirectory(directory, 0o755);
    const fd = openSync(temporary, 'wx', MODE);
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
    throw failed(path, error);
  }
}

/** @throws {EngineError} */
export function removeDropIn(path: string): void {
  try {
    rmSync(path, { force: true });
    syncDirectory(dirname(path));
  } catch (error) {
    throw failed(path, error);
  }
}

function failed(path: string, error: unknown): EngineError {
  const reason = error instanceof Error ? error.message : String(error);
  return new EngineError(
    isOutOfSpace(error) ? 'no-space' : 'engine-failed',
    `can't write CRI-O's pins to ${path}: ${reason}`,
    { hint: 'make the directory writable for root', cause: error },
  );
}
