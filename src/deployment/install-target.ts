import { lstatSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { BerthError } from '../common/errors.ts';
import { openRoot } from '../root/open-root.ts';
import type { DeploymentErrorCode } from './failure.ts';

/** An OS that is not running yet: where it will have its state, and what it will call a root. */
export interface InstallTarget {
  /** The directory that it will have as its `/var`. */
  readonly var: string;
  /** Where it will have the root. */
  readonly location: string;
  /** The id that its updater will give to the root, where that is known. */
  readonly id?: string;
}

/**
 * @param into the target's `/`; with ostree its physical root, or the directory of its stateroot.
 * @param location of the root, as it is called here.
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

/** Where a root that lies in the target has its place there; any other is called as it is here. */
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
