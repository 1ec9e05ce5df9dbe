import { closeSync } from 'node:fs';
import { join } from 'node:path';
import { type InstallTarget, installTarget } from '../deployment/install-target.ts';
import type { PodmanTarget } from '../engine/podman/podman.ts';
import { directoryInRoot } from '../root/write-in-root.ts';
import { HostError } from './errors.ts';
import type { HostOptions } from './options.ts';

/** An OS that is not running yet, with the directories that berth and engines will use there. */
export interface Target extends InstallTarget, PodmanTarget {
  readonly stateDirectory: string;
}

/**
 * Opens the target of `--into`. Missing directories are made. No link in the target is followed: it could
 * lead out of the target.
 *
 * @param into the directory where the target is mounted.
 * @param location the root's location in the running system.
 * @throws {HostError} `usage`; {BerthError} `install-target`, `unwritable`.
 */
export function openTarget(
  into: string,
  location: string,
  { stateDirectory, user }: HostOptions,
): Target {
  if (stateDirectory !== undefined || user === true) {
    const flag = user === true ? '--user' : '--state-dir';
    throw new HostError(
      'usage',
      `expected --into alone, found ${flag} beside it`,
      'leave it out: berth keeps the state where the target will look for it',
    );
  }
  const target = installTarget(into, location);
  const place = (path: string, mode?: number) => {
    const { fd } = directoryInRoot(target.var, path, mode);
    closeSync(fd);
    return join(target.var, path);
  };
  return {
    ...target,
    stateDirectory: place('/lib/berth', 0o700),
    storage: place('/lib/containers/storage', 0o700),
    temporary: place('/tmp', 0o1777),
  };
}
