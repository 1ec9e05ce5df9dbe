import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  opendirSync,
  openSync,
  readdirSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { systemErrorCode } from '../common/errors.ts';
import { O_PATH } from '../root/directories.ts';
import { howToGiveToRoot, isForeign, reader, whyForeign } from '../root/ownership.ts';
import { StateError } from './error.ts';

/** Every name that berth makes in a state directory, including files that are being written. */
const OWN =
  /^(roots|locks|store|lock(\.gate)?|pins\.key(\.[0-9a-f]{12})?|\.?(activation|apply|gate|names|retry-times)\.(json|[0-9a-f]{12}))$/;

/** The permissions of group and others. */
const OTHERS = 0o077;

/**
 * Makes a state directory private that an earlier version, or a umask, left open: only its owner may read
 * the records, and whoever can open a lock file can keep every berth waiting.
 *
 * A directory with files that are not berth's keeps its mode, and so do files that belong to another user
 * or have a second name. What can't be changed stays as it is, because a command that only reads also works
 * on a read-only file system.
 */
export function keepFromOthers(stateDirectory: string): void {
  attempt(stateDirectory, constants.O_DIRECTORY, (itself) => {
    const names = readdirSync(itself);
    // Every command that changes anything first makes the file `lock`; without it the directory is no state
    // directory yet.
    if (names.length > 0 && !names.includes('lock')) return false;
    const own = names.filter((name) => OWN.test(name));
    for (const name of own) makePrivate(join(itself, name));
    return own.length === names.length;
  });
}

/**
 * Refuses a state directory that others may write: berth believes its records, so whoever writes them has
 * the power of the user that runs berth.
 *
 * @throws {BerthError} `state-directory`
 */
export function refuseOthers(stateDirectory: string): void {
  const stats = statSync(stateDirectory, { throwIfNoEntry: false });
  if (stats?.isDirectory() !== true || !isForeign(stats, reader())) return;
  throw new StateError(
    'state-directory',
    `expected a state directory that nobody else can write, found ${stateDirectory}, ${whyForeign(stats)}`,
    {
      hint: `give another --state-dir, or: \`${howToGiveToRoot(stats)} ${stateDirectory}\``,
      kind: 'usage',
    },
  );
}

/**
 * Refuses a state directory that exists but can't be written, for a process that runs for long and changes things
 * there. A service whose state directory was removed and made again sees the new one, and may write only to the old
 * one: a restart mends that.
 *
 * @throws {BerthError} `state-directory`
 */
export function refuseUnwritable(stateDirectory: string): void {
  try {
    accessSync(stateDirectory, constants.W_OK);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT') return;
    if (code === undefined) throw error;
    const message = `expected a state directory that can be written, found ${stateDirectory}: ${code}`;
    throw new StateError('state-directory', message, {
      hint: 'start berth again; if this persists, see on which file system the directory is, and to whom it belongs',
      cause: error,
    });
  }
}

/**
 * Refuses a state directory that exists but can't be read, before other code fails because of it in less
 * clear ways.
 *
 * @throws {BerthError} `state-directory`
 */
export function refuseUnreadable(stateDirectory: string): void {
  try {
    opendirSync(stateDirectory).closeSync();
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT') return;
    if (code === undefined) throw error;
    const message = `expected a state directory that can be read, found ${stateDirectory}: ${code}`;
    throw new StateError('state-directory', message, {
      hint: 'run as the user that owns the state directory, or name another with --state-dir',
      cause: error,
    });
  }
}

/** Makes a path private. Contents come first: a private directory shows that everything in it is done. */
function makePrivate(path: string): void {
  attempt(path, constants.O_NOFOLLOW, (itself, isDirectory) => {
    if (isDirectory) for (const name of readdirSync(itself)) makePrivate(join(itself, name));
    return true;
  });
}

/**
 * Calls `prepare` with a file or directory that is open to others, and makes it private if `prepare`
 * agrees. The file is opened with O_PATH: opening and closing a lock file itself would drop this process's
 * locks on it.
 */
function attempt(
  path: string,
  flags: number,
  prepare: (itself: string, isDirectory: boolean) => boolean,
): void {
  try {
    const fd = openSync(path, O_PATH | flags);
    try {
      const stats = fstatSync(fd);
      const isDirectory = stats.isDirectory();
      // Others may need access by the second name of a file.
      const isChangeable = isDirectory || (stats.isFile() && stats.nlink === 1);
      if (!isChangeable || stats.uid !== process.geteuid?.()) return;
      if ((stats.mode & OTHERS) === 0) return;
      const itself = `/proc/self/fd/${fd}`;
      if (prepare(itself, isDirectory)) chmodSync(itself, stats.mode & 0o700);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
  }
}
