import { BerthError } from '../../common/errors.ts';
import type { Context } from '../context.ts';
import type { Situation } from '../situation.ts';
import type { PlannedImage } from './plan.ts';

/**
 * The error for a plan whose pins would not fit into what the engine has left of locks, undefined
 * if they do. The new come before the old go, so those count for nothing.
 */
export async function lackOfLocks(
  { engine }: Context,
  { pins }: Situation,
  root: string,
  images: readonly PlannedImage[],
): Promise<BerthError | undefined> {
  const unpinned = images.filter(({ pinned }) => !pinned).length;
  if (unpinned === 0) return undefined;
  const free = await engine.freeLocks();
  const needed = unpinned + (pins.some((pin) => pin.root === root) ? 0 : 1);
  if (free === undefined || needed <= free) return undefined;
  return new BerthError(
    'no-locks',
    `pinning ${root} needs ${needed} of ${engine.name}'s locks, one for each image that is to be pinned and one for its pod, and ${free} are free`,
    {
      hint: 'release roots, remove containers, pods and volumes that nobody needs, or raise num_locks in containers.conf and run `podman system renumber`',
      kind: 'refused',
    },
  );
}
