import { closeSync, constants, openSync, readlinkSync, type Stats, statSync } from 'node:fs';
import { systemErrorCode } from '../errors.ts';
import { O_PATH } from './directories.ts';
import { DirectoryRoot } from './directory-root.ts';
import { displayPath, nameFromBytes, nameToBytes } from './names.ts';
import { type Root, RootError } from './root.ts';

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
    throw noRoot(spec, 'an OS image, which berth does not read yet', {
      hint: 'give the directory at which the image is mounted (see podman-image-mount(1))',
    });
  }
  const fd = spec.startsWith('fd:') ? openInherited(spec) : openPath(spec);
  const stats = statSync(`/proc/self/fd/${fd}`, { throwIfNoEntry: false });
  if (stats === undefined) {
    closeSync(fd);
    throw noRoot(spec, 'no /proc/self/fd to read it by', { hint: 'mount procfs at /proc' });
  }
  return new DirectoryRoot(fd, realPathOf(fd, stats) ?? spec);
}

function openInherited(spec: string): number {
  const number = /^fd:(\d{1,9})$/.exec(spec)?.[1];
  if (number === undefined) {
    throw noRoot(spec, 'no number after `fd:`', {
      hint: `write \`fd:3\` for descriptor 3, or \`./${spec}\` for a directory of that name`,
    });
  }
  try {
    return openSync(`/proc/self/fd/${number}`, O_PATH | constants.O_DIRECTORY);
  } catch (cause) {
    throw noRoot(spec, whyNot(cause, 'no such descriptor'), {
      hint: `open a directory as descriptor ${number}: \`${number}</path/to/root\` in a shell`,
      cause,
    });
  }
}

function openPath(spec: string): number {
  try {
    return openSync(nameToBytes(spec), O_PATH | constants.O_DIRECTORY);
  } catch (cause) {
    throw noRoot(spec, whyNot(cause, 'nothing there'), {
      hint:
        systemErrorCode(cause) === 'EACCES'
          ? 'run berth as a user who may enter it, such as root'
          : 'give the directory of an OS tree, such as /, or `fd:N` for an open one',
      cause,
    });
  }
}

function whyNot(cause: unknown, missing: string): string {
  const code = systemErrorCode(cause);
  if (code === 'ENOENT') return missing;
  if (code === 'ENOTDIR') return 'something that is not a directory';
  if (code === 'EACCES') return 'permission denied';
  return `an error (${code ?? String(cause)})`;
}

function noRoot(
  spec: string,
  found: string,
  options: { hint: string; cause?: unknown },
): RootError {
  const message = `expected a directory at ${displayPath(spec)}, found ${found}`;
  return new RootError('no-root', spec, message, options);
}

/** @returns undefined where the kernel's name for the directory does not lead to it from here. */
function realPathOf(fd: number, opened: Stats): string | undefined {
  const path = readlinkSync(`/proc/self/fd/${fd}`, { encoding: 'buffer' });
  const there = statSync(path, { throwIfNoEntry: false });
  const same = there?.dev === opened.dev && there.ino === opened.ino;
  return same ? nameFromBytes(path) : undefined;
}
