import { readlinkSync, type Stats, statSync } from 'node:fs';
import { DirectoryRoot } from './directory-root.ts';
import { nameFromBytes } from './names.ts';
import { noRoot, openDirectory } from './open-directory.ts';
import type { Root } from './root.ts';

/**
 * The root that a command line names: the path of a directory, or `fd:N` for a directory that
 * this process inherited as descriptor N (opened with O_PATH will do; it stays open).
 *
 * Its location is the real path, also for a descriptor if that path leads to the very same
 * directory here: so a root is called the same however it was given. Else it is `fd:N`.
 *
 * @throws {RootError} `no-root`
 */
export function openRoot(spec: string): Root {
  if (spec.startsWith('image:')) {
    throw noRoot(spec, 'an OS image', {
      hint: 'give a directory: this is done with one only',
    });
  }
  const fd = openDirectory(spec);
  return new DirectoryRoot(fd, realPathOf(fd, statSync(`/proc/self/fd/${fd}`)) ?? spec);
}

/** @returns undefined where the kernel's name for the directory does not lead to it from here. */
function realPathOf(fd: number, opened: Stats): string | undefined {
  const path = readlinkSync(`/proc/self/fd/${fd}`, { encoding: 'buffer' });
  const there = statSync(path, { throwIfNoEntry: false });
  const same = there?.dev === opened.dev && there.ino === opened.ino;
  return same ? nameFromBytes(path) : undefined;
}
