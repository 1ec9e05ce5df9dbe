import { lstatSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { BerthError } from '../common/errors.ts';
import { openRoot } from '../root/open-root.ts';
import type { DeploymentErrorCode } from './failure.ts';

/** An OS that is not running yet: the directory of its state, and its names for a root. */
export interface InstallTarget {
  /** The directory that will be the `/var` of the OS. */
  readonly var: string;
  /** The path of the root in the running OS. */
  readonly location: string;
  /** The id that the updater of the OS will give to the root, if it is known. */
  readonly id?: string;
}

/**
 * The OS that `--into` names.
 *
 * @param into the target's `/`; with ostree its physical root, or the directory of its stateroot.
 * @param location the location of the root on this machine.
 * @throws {BerthError} `install-target`; {RootError} `no-root`.
 */
export function installTarget(into: string, location: string): InstallTarget {
  const directory = realPathOf(into);
  if (directory === '/')
    throw notATarget('/', 'a target that is not running', 'the running system');
  const deployment = /^(.*)\/ostree\/deploy\/([^/]+)\/deploy\/([0-9a-f]{64}\.\d+)$/.exec(location);
  const [, sysroot = '', stateroot = '', id = ''] = deployment ?? [];
  const ofStateroot = join(sysroot || '/', 'ostree/deploy', stateroot);
  if (deployment !== null && [sysroot, ofStateroot].includes(directory)) {
    const seen = `/sysroot/ostree/deploy/${stateroot}/deploy/${id}`;
    return { var: varOf(ofStateroot), location: seen, id };
  }
  return { var: varOf(directory), location: seenFrom(directory, location) };
}

/** The path of a root as the target sees it. A root outside the target keeps its location. */
function seenFrom(directory: string, location: string): string {
  if (location === directory) return '/';
  return location.startsWith(`${directory}/`) ? location.slice(directory.length) : location;
}

function varOf(directory: string): string {
  const path = join(directory, 'var');
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory() !== true) {
    const what = found === undefined ? 'none' : found.isSymbolicLink() ? 'a link' : 'no directory';
    throw notATarget(directory, 'a directory var in it', what);
  }
  const own = statSync('/var', { throwIfNoEntry: false });
  if (own?.dev === found.dev && own.ino === found.ino) {
    throw notATarget(directory, 'a target that is not running', 'the running system’s own /var');
  }
  return path;
}

function realPathOf(into: string): string {
  const root = openRoot(into);
  root.close();
  return root.location;
}

function notATarget(
  directory: string,
  expected: string,
  found: string,
): BerthError<DeploymentErrorCode> {
  return new BerthError<DeploymentErrorCode>(
    'install-target',
    `${directory}: expected ${expected}, found ${found}`,
    {
      hint: 'give the target’s /, mounted here with its var; for ostree its physical root, or ostree/deploy/STATEROOT in that. The running system is staged without --into',
      kind: 'usage',
    },
  );
}
