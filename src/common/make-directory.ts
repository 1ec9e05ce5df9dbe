import { closeSync, fsyncSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { systemErrorCode } from './errors.ts';

/**
 * Makes a directory and what is missing above it, and brings their names to disk: what is synced
 * in a directory that a power cut takes away was synced in vain. Not `mkdir` with `recursive`:
 * where a file system answers ENOENT below a directory that is there, as procfs does, Node tries
 * for ever.
 *
 * @param mode of each that is made: what berth keeps is for its owner alone.
 * @throws {Error} the system's.
 */
export function makeDirectory(path: string, mode = 0o700): void {
  const missing: string[] = [];
  for (let at = path; !isThere(at); at = dirname(at)) missing.push(at);
  for (const directory of missing.toReversed()) {
    try {
      mkdirSync(directory, mode);
    } catch (error) {
      if (systemErrorCode(error) !== 'EEXIST') throw error;
    }
    syncDirectory(dirname(directory));
  }
}

/** Brings to disk which names the directory has. */
export function syncDirectory(directory: string): void {
  const fd = openSync(directory, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
