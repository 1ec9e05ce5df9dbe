import { closeSync, fsyncSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { systemErrorCode } from '../errors.ts';

/**
 * Creates a directory and its missing parents, and syncs their names to disk: a synced file is lost
 * if a power cut takes away its directory. Does not use `mkdir` with `recursive`, because
 * Node then loops for ever on file systems such as procfs, which answer ENOENT below an existing directory.
 *
 * @param mode the mode of each created directory. By default only the owner has access.
 * @throws {Error} the error of the system call.
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

/** Syncs the names in a directory to disk. */
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
