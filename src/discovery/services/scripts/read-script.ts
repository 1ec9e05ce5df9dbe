import { posix } from 'node:path';
import { linkTarget } from '../../../systemd/etc.ts';
import type { Reader } from '../read-command.ts';
import { shells } from '../shell-command.ts';
import { isProgram } from '../subcommands.ts';
import { type BootedFiles, unlessUnreadable } from './booted-files.ts';

/** A script of the root. */
export interface Script {
  /** The path in the booted root. */
  readonly path: string;
  readonly text: string;
  /** Whether its first line names a shell. */
  readonly isShell: boolean;
}

/** The first two bytes of a binary program (ELF). */
const elf = '\x7fE';

/**
 * Reads a file as a script; undefined for other programs.
 *
 * @param reader what runs the file, if it needs no `#!`.
 */
export function readScript(files: BootedFiles, path: string, reader?: Reader): Script | undefined {
  const look = unlessUnreadable(() => lookAt(files, path), undefined);
  if (look === undefined) return undefined;
  const { start, otherNameOf } = look;
  // Another name of podman is read like a script that calls podman.
  if (otherNameOf !== undefined) return { path, text: `exec ${otherNameOf} "$@"\n`, isShell: true };
  const isRead = reader !== undefined && start !== undefined && start !== elf;
  if (start !== '#!' && !isRead) return undefined;
  const text = files.text(path) ?? '';
  return { path, text, isShell: reader === 'shell' || shells.has(interpreterOf(text)) };
}

/** How a file begins. */
interface Look {
  /** The first two bytes; undefined if there is no such file. */
  readonly start: string | undefined;
  /** The container program to which the file is a link of another name. */
  readonly otherNameOf?: string;
}

/** @throws {RootError} */
function lookAt(files: BootedFiles, path: string): Look | undefined {
  const { root, etc } = files;
  const at = files.locate(path);
  if (!files.hasDirectoryOf(at)) return undefined;
  const start = root.readStart(at, 2)?.toString('latin1');
  if (start === '#!') return { start };
  const program = posix.basename(linkTarget(root, etc, at));
  const isOther = isProgram(program) && !isProgram(posix.basename(at));
  return { start, ...(isOther ? { otherNameOf: program } : {}) };
}

/** The program that the first line of a script names; behind `env`, the program that `env` starts. */
function interpreterOf(text: string): string {
  const [, program = '', name = ''] =
    /^#!\s*(\S+)(?:[ \t]+(?:-S[ \t]+)?(?:\w+=\S*[ \t]+)*(\S+))?/.exec(text) ?? [];
  return posix.basename(posix.basename(program) === 'env' ? name : program);
}
