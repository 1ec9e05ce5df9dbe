import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { BerthError, systemErrorCode } from '../common/errors.ts';
import { displayPath } from '../common/path-bytes.ts';
import { kernelPath, type Named, O_PATH, pathOf } from './directories.ts';
import { openDirectory } from './open-directory.ts';

type WriteErrorCode = 'unwritable';

/**
 * Writes a file into a hostile tree, completely or not at all: temporary file, fsync, rename, fsync
 * of the directory. Creates missing directories.
 *
 * If the file is a link, the link is replaced. A link on the way to it is refused, as in
 * `directoryInRoot`.
 *
 * @param spec the root, as `openDirectory` takes it.
 * @param path absolute inside the root, without `.` and `..`.
 * @throws {BerthError} `unwritable`; {RootError} `no-root`.
 */
export function writeInRoot(spec: string, path: string, content: string, mode = 0o644): void {
  const names = namesIn(path);
  const file = names.pop();
  if (file === undefined) throw notAPath(path);
  const here = directoryInRoot(spec, names.join('/'));
  try {
    replace(here, file, content, mode);
  } finally {
    closeSync(here.fd);
  }
}

/**
 * Opens a directory of a hostile tree for writing, and creates missing directories. The caller
 * closes the descriptor.
 *
 * The walk uses descriptors, one real directory at a time. A link on the way is refused, because it
 * could lead out of the root, now or after it is replaced.
 *
 * @param spec the root, as `openDirectory` takes it.
 * @param path absolute inside the root, without `.` and `..`.
 * @param mode the mode of the directory itself if it is created; 0755 by default.
 * @throws as `writeInRoot`.
 */
export function directoryInRoot(spec: string, path: string, mode?: number): Named {
  const names = namesIn(path);
  let here: Named = { fd: openDirectory(spec), realPath: '/' };
  try {
    for (const [i, name] of names.entries()) {
      const next = enter(here, name, i === names.length - 1 ? mode : undefined);
      closeSync(here.fd);
      here = next;
    }
    return here;
  } catch (error) {
    closeSync(here.fd);
    throw error;
  }
}

function namesIn(path: string): string[] {
  const names = path.split('/').filter((name) => name !== '');
  if (names.some((name) => name === '.' || name === '..')) throw notAPath(path);
  return names;
}

function notAPath(path: string): RangeError {
  return new RangeError(`not a path of a file in a root: ${path}`);
}

function enter(parent: Named, name: string, mode: number | undefined): Named {
  const realPath = pathOf(parent, name);
  const flags = O_PATH | constants.O_NOFOLLOW | constants.O_DIRECTORY;
  const open = () => ({ fd: openSync(kernelPath(parent, name), flags), realPath });
  try {
    return open();
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw noWay(parent, name, error);
  }
  try {
    makeDirectoryIn(parent, name);
    const made = open();
    if (mode !== undefined) chmodSync(kernelPath(made, '.'), mode);
    return made;
  } catch (error) {
    throw noWay(parent, name, error);
  }
}

function makeDirectoryIn(parent: Named, name: string): void {
  try {
    mkdirSync(kernelPath(parent, name), 0o755);
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST') throw error;
  }
  sync(parent);
}

function replace(directory: Named, name: string, content: string, mode: number): void {
  const temporary = kernelPath(directory, `.${name}.${randomBytes(6).toString('hex')}`);
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  try {
    const fd = openSync(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
    try {
      writeFileSync(fd, content);
      // The mode must not depend on the umask of the builder.
      fchmodSync(fd, mode);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, kernelPath(directory, name));
    sync(directory);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw unwritable(pathOf(directory, name), reasonOf(error), error);
  }
}

/** Opens the directory again, because a descriptor with O_PATH can't be synced. */
function sync(directory: Named): void {
  const fd = openSync(kernelPath(directory, '.'), constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function noWay(parent: Named, name: string, cause: unknown): BerthError<WriteErrorCode> {
  const path = pathOf(parent, name);
  if (systemErrorCode(cause) !== 'ENOTDIR') return unwritable(path, reasonOf(cause), cause);
  const isLink = lstatSync(kernelPath(parent, name), { throwIfNoEntry: false })?.isSymbolicLink();
  const found = isLink === true ? 'a link, which may lead out of the root' : 'no directory';
  return new BerthError<WriteErrorCode>(
    'unwritable',
    `expected a directory at ${displayPath(path)} in the root, found ${found}; nothing was written`,
    { hint: 'put a real directory in its place', cause },
  );
}

function reasonOf(error: unknown): string {
  const code = systemErrorCode(error);
  if (code === 'EROFS') return 'the file system is read-only';
  if (code === 'EACCES' || code === 'EPERM') return 'permission denied';
  if (code === 'ENOSPC') return 'no space is left';
  return code ?? String(error);
}

function unwritable(path: string, reason: string, cause: unknown): BerthError<WriteErrorCode> {
  return new BerthError<WriteErrorCode>(
    'unwritable',
    `can't write ${displayPath(path)} in the root: ${reason}`,
    {
      hint: 'run berth where the OS tree is built, as a user who may write to it',
      cause,
    },
  );
}
