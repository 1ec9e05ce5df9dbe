import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isOutOfSpace } from '../../common/errors.ts';
import { makeDirectory, syncDirectory } from '../../common/files/make-directory.ts';
import { writeWhole } from '../../common/files/write-whole.ts';
import { EngineError } from '../errors.ts';

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
    writeWhole(path, text, temporary);
  } catch (error) {
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
