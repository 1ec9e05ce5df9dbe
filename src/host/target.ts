import { closeSync } from 'node:fs';
import { join } from 'node:path';
import type { CommonOptions } from '../cli/options.ts';
import { BerthError } from '../common/errors.ts';
import { type InstallTarget, installTarget } from '../deployment/install-target.ts';
import type { PodmanTarget } from '../engine/podman/api/connect.ts';
import { directoryInRoot } from '../root/write-in-root.ts';

/** An OS that is not running yet, with the places that berth and engines will use there. */
export interface Target extends InstallTarget, PodmanTarget {
  readonly stateDirectory: string;
}

/**
 * The target of `--into`. Its directories are made as far as they are missing; no link of it is
 * followed, which could lead out of it.
 *
 * @param location of the root, as it is called here.
 * @throws {BerthError} `install-target`, `unwritable`, `usage`.
 */
export function openTarget(
  into: string,
  location: string,
  { stateDir, user }: Pick<CommonOptions, 'stateDir' | 'user'>,
): Target {
  if (stateDir !== undefined || user === true) {
    const flag = user === true ? '--user' : '--state-dir';
    throw new BerthError('usage', `expected --into alone, found ${flag} beside it`, {
      hint: 'the target has its state where it will look for it',
      kind: 'usage',
    });
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
