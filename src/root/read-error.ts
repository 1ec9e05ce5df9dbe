import type { Stats } from 'node:fs';
import { displayPath } from '../common/path-bytes.ts';
import { type Foreign, howToGiveToRoot, whyForeign } from './ownership.ts';
import { RootError } from './root.ts';

/** In all functions of this file, `path` is the path that was requested. */
export function notAFile(path: string, found: Stats | string): RootError {
  return new RootError(
    'not-a-file',
    path,
    `expected a regular file at ${displayPath(path)}, found ${describe(found)}`,
    { hint: 'replace it with a regular file, or remove it from the OS tree' },
  );
}

export function madeByKernel(path: string): RootError {
  return new RootError(
    'not-a-file',
    path,
    `expected a file of the OS at ${displayPath(path)}, found a file system of the kernel such as procfs or sysfs`,
    { hint: 'name a file that the OS ships' },
  );
}

export function notADirectory(path: string, found: Stats | string): RootError {
  return new RootError(
    'not-a-directory',
    path,
    `expected a directory at ${displayPath(path)}, found ${describe(found)}`,
    { hint: 'replace it with a directory, or remove it from the OS tree' },
  );
}

export function tooLarge(path: string, maxBytes: number): RootError {
  return new RootError(
    'too-large',
    path,
    `expected at most ${maxBytes} bytes in ${displayPath(path)}, found more`,
    { hint: 'make the file smaller; berth reads no larger ones of this kind from an OS tree' },
  );
}

export function tooManyEntries(path: string, maxEntries: number): RootError {
  return new RootError(
    'too-many-entries',
    path,
    `expected at most ${maxEntries} entries in the directory ${displayPath(path)}, found more`,
    { hint: 'spread the entries over several directories, or remove them from the OS tree' },
  );
}

export function tooManyLinks(path: string, maxLinks: number): RootError {
  return new RootError(
    'too-many-links',
    path,
    `expected at most ${maxLinks} links on the way to ${displayPath(path)}, found more`,
    { hint: 'mend the links: they most likely lead to each other in a circle' },
  );
}

export function tooDeep(path: string, maxDepth: number): RootError {
  return new RootError(
    'too-deep',
    path,
    `expected at most ${maxDepth} directories above ${displayPath(path)}, found more`,
    { hint: 'move it up in the OS tree' },
  );
}

export function keepsChanging(path: string): RootError {
  return new RootError(
    'unreadable',
    path,
    `expected ${displayPath(path)} to stay, but it was replaced each time berth read it`,
    { hint: 'run berth again when nothing writes to the OS tree' },
  );
}

/** The error for a file that others than root may write, and for everything behind such a file. */
export function userWritable(path: string, foreign: Foreign): RootError {
  const where = foreign.path === path ? '' : ` on the way to ${displayPath(path)}`;
  return new RootError(
    'user-writable',
    path,
    `expected a file that only root can write, found ${displayPath(foreign.path)}${where}, ${whyForeign(foreign)}: it is no part of the OS`,
    {
      hint: `if it is, give it to root in the tree: \`${howToGiveToRoot(foreign)} ${displayPath(foreign.path)}\``,
      foreign,
    },
  );
}

/** The error for a private file that a unit of users cites. */
export function notForEverybody(path: string): RootError {
  return new RootError(
    'private',
    path,
    `expected ${displayPath(path)}, which a unit of users cites, to be readable by everybody, found that it is not`,
    { hint: 'let everybody read it, or write what it says into the unit' },
  );
}

/** The error for a failed system call that has no function of its own here. */
export function unreadable(path: string, code: string, cause: unknown): RootError {
  const denied = code === 'EACCES' || code === 'EPERM';
  return new RootError(
    'unreadable',
    path,
    `expected to read ${displayPath(path)}, found ${denied ? 'permission denied' : 'an error'} (${code})`,
    {
      hint: denied
        ? 'run berth as a user who may read the whole OS tree, such as root'
        : 'see whether the file system is whole (its kernel messages are in `journalctl -k`)',
      cause,
    },
  );
}

/** The error for a file of an image whose content was not kept when the layers were read. */
export function notKept(path: string): RootError {
  return new RootError(
    'unreadable',
    path,
    `expected to read ${displayPath(path)}, which berth does not hold of an image: it keeps files of at most 1 MiB where systems are configured`,
    { hint: 'mount the image (see podman-image-mount(1)), and give its directory' },
  );
}

export function tooLargeTree(limit: string): RootError {
  return new RootError(
    'too-many-entries',
    '/',
    `expected at most ${limit} in an image, found more`,
    {
      hint: 'mount the image (see podman-image-mount(1)), and give its directory',
    },
  );
}

function describe(found: Stats | string): string {
  if (typeof found === 'string') return found;
  if (found.isDirectory()) return 'a directory';
  if (found.isFIFO()) return 'a FIFO';
  if (found.isSocket()) return 'a socket';
  if (found.isCharacterDevice()) return 'a character device';
  if (found.isBlockDevice()) return 'a block device';
  return 'a regular file';
}
