import { closeSync, constants, openSync, statSync } from 'node:fs';
import { systemErrorCode } from '../common/errors.ts';
import { displayPath, nameToBytes } from '../common/path-bytes.ts';
import { O_PATH } from './directories.ts';
import { RootError } from './root.ts';

/**
 * Opens the directory that a command line names: a path, or `fd:N` for an inherited descriptor, which
 * stays open. The caller closes the returned descriptor (O_PATH).
 *
 * @throws {RootError} `no-root`
 */
export function openDirectory(spec: string): number {
  const fd = spec.startsWith('fd:') ? openInherited(spec) : openPath(spec);
  if (statSync(`/proc/self/fd/${fd}`, { throwIfNoEntry: false }) !== undefined) return fd;
  closeSync(fd);
  throw noRoot(spec, 'no /proc/self/fd to reach it by', { hint: 'mount procfs at /proc' });
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

export function noRoot(
  spec: string,
  found: string,
  options: { hint: string; cause?: unknown },
): RootError {
  const message = `expected a directory at ${displayPath(spec)}, found ${found}`;
  return new RootError('no-root', spec, message, options);
}
