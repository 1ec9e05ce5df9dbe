import {
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

/** Everything that berth makes in a state directory, files that are being written included. */
const OWN =
  /^(roots|locks|store|lock(\.gate)?|pins\.key(\.[0-9a-f]{12})?|\.?(activation|apply|gate|retry-times)\.(json|[0-9a-f]{12}))$/;

/** The permissions of group and others. */
const OTHERS = 0o077;

/**
 * Makes a state directory private where an earlier version, or a umask, left it open: its owner
 * alone reads the records, and who can open a lock file can keep every berth waiting.
 *
 * A directory that holds anything beside berth's own keeps its mode, and so does whatever belongs to
 * another user or has a second name. What can't be changed stays as it is: a command that only reads
 * works on a read-only file system, too.
 */
export function keepFromOthers(stateDirectory: string): void {
  attempt(stateDirectory, constants.O_DIRECTORY, (itself) => {
    const names = readdirSync(itself);
    // Every command that changes anything makes it first: without it this is no state directory yet.
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
 * Refuses a state directory that exists and can't be read, before anything else fails for it in a way of
 * its own.
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

/** A directory comes after what is in it: a private one says that all of it is done. */
function makePrivate(path: string): void {
  attempt(path, constants.O_NOFOLLOW, (itself, isDirectory) => {
    if (isDirectory) for (const name of readdirSync(itself)) makePrivate(join(itself, name));
    return true;
  });
}

/**
 * Calls `prepare` with a file or directory that is open to others, and makes it private if that agrees.
 * The file is reached by a descriptor that only names it: opening and closing a lock file itself would
 * drop this process's locks on it.
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
      // A second name of a file may be one that others need.
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
