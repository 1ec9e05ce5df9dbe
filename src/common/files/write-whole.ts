import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { syncDirectory } from './make-directory.ts';

/** Nobody but the owner may read what berth writes: names of images may come from files that others can't read. */
const MODE = 0o600;

/**
 * Writes a file whole or not at all, also if the machine loses power meanwhile.
 *
 * @param temporary the path, on the same file system, of a file that must not exist; the text is written there first.
 * @param mode the permissions of the file, from which the umask takes some away.
 */
export function writeWhole(path: string, text: string, temporary: string, mode = MODE): void {
  try {
    const fd = openSync(temporary, 'wx', mode);
    try {
      writeFileSync(fd, text);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
    syncDirectory(dirname(path));
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
