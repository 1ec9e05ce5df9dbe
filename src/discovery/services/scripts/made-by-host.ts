import { posix } from 'node:path';
import type { Fault } from '../../problem.ts';
import type { Reader } from '../read-command.ts';
import type { ServicePlace } from '../service-place.ts';
import type { Word } from '../words.ts';

/** The directories that are empty when the host boots, or whose files are not the root's. */
const volatile = /^\/(?:dev|proc|run|tmp|var\/tmp)\//;
/** The directories of the OS, of which the root has all files. */
const ofTheOs = /^\/(?:bin|etc|lib\w*|opt|sbin|usr)\//;

/**
 * Whether a script runs a file that the root lacks but the booted host may have: a file that somebody wrote on the
 * host, or one whose name is not known.
 *
 * @param file a word that names no script of the root.
 */
export function isMadeByHost(
  file: Word,
  reader: Reader | undefined,
  { directory, directoryFault }: ServicePlace,
): boolean {
  const isByShell = reader === 'shell';
  if (file.fault !== undefined) return isByShell;
  if (directoryFault !== undefined && !file.text.startsWith('/')) return isByShell;
  if (!file.text.includes('/') && !isByShell) return false;
  const path = posix.resolve(directory, file.text);
  return volatile.test(path) || (isByShell && !ofTheOs.test(path));
}

export const madeByHost: Fault = {
  code: 'shell',
  message: 'expected scripts of the root, found one that only the booted host has',
  hint: 'put the script into the OS, or name its images in a list in /usr/lib/berth/images.d',
};
