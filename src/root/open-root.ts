import { readlinkSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import { displayPath, nameFromBytes } from '../common/path-bytes.ts';
import { Directories } from './directories.ts';
import { DirectoryRoot } from './directory-root.ts';
import { noRoot, openDirectory } from './open-directory.ts';
import { type Foreign, isShared, whyForeign } from './ownership.ts';
import { isOfOs, type Root, RootError, type View } from './root.ts';

/**
 * Opens the root that a command line names: the path of a directory, or `fd:N` for a directory that
 * this process inherited as descriptor N. The inherited descriptor stays open; O_PATH is enough.
 *
 * The location of the root is its real path, so it does not depend on how the root was named. For a
 * descriptor whose path does not lead to the same directory here, the location is `fd:N`.
 *
 * @throws {RootError} `no-root`; `user-writable` if others than root may write the directory itself,
 * its /usr or its /etc, and thereby everything in it.
 */
export function openRoot(spec: string, view: View = 'os'): Root {
  if (spec.startsWith('image:')) {
    throw noRoot(spec, 'an OS image', {
      hint: 'give a directory: this is done with one only',
    });
  }
  const fd = openDirectory(spec);
  const location = realPathOf(fd, statSync(`/proc/self/fd/${fd}`)) ?? spec;
  const directories = new Directories(fd, location);
  const root = new DirectoryRoot(directories, location, view);
  if (!isOfOs(view)) return root;
  const foreign = directories.root.foreign ?? foreignTop(root);
  if (foreign === undefined) return root;
  root.close();
  throw topUserWritable(location, foreign);
}

/** The directories that every OS has: their owner owns the whole tree. */
const TOPS = ['/usr', '/etc'];

function foreignTop(root: Root): Foreign | undefined {
  const present = root.as('present');
  return TOPS.map((path) => present.lookup(path)?.foreign).find((foreign) => foreign !== undefined);
}

function topUserWritable(location: string, foreign: Foreign): RootError {
  const path = foreign.path === '/' ? location : join(location, foreign.path);
  return new RootError(
    'user-writable',
    '/',
    `expected an OS tree that only root can write at ${displayPath(location)}, found ${displayPath(path)}, ${whyForeign(foreign)}`,
    {
      hint: hintFor(displayPath(path), foreign),
      foreign,
    },
  );
}

function hintFor(path: string, foreign: Foreign): string {
  if (foreign.uid !== 0) {
    return `run berth as user ${foreign.uid}, who builds the tree; or unpack it as root, so that all in it has the owners of the OS (a chown of the top alone is not enough)`;
  }
  // Everybody needs the right to write to a directory such as /tmp.
  if (isShared(foreign))
    return `give the top of an OS tree: ${path} is a directory for everybody's files`;
  return `take the right to write from the others: \`chmod go-w ${path}\``;
}

/** @returns undefined if the kernel's path of the directory leads somewhere else in this process. */
function realPathOf(fd: number, opened: Stats): string | undefined {
  const path = readlinkSync(`/proc/self/fd/${fd}`, { encoding: 'buffer' });
  const there = statSync(path, { throwIfNoEntry: false });
  const same = there?.dev === opened.dev && there.ino === opened.ino;
  return same ? nameFromBytes(path) : undefined;
}
