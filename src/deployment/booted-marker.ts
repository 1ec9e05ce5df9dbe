import { statSync } from 'node:fs';
import { join } from 'node:path';
import { BerthError } from '../common/errors.ts';
import { openRoot } from '../root/open-root.ts';
import type { Root } from '../root/root.ts';
import { cantTell } from './failure.ts';
import { hasNextRoot } from './finalisation.ts';
import { pairOf, readDictionary, type Variant } from './gvariant.ts';
import type { Places } from './places.ts';

/** A directory of ostree's, closed at the end of its block. */
interface Opened extends Disposable {
  readonly root: Root;
}

/** @throws {BerthError} `deployments` for a directory that can't be opened. */
export function opened(path: string): Opened {
  try {
    const root = openRoot(path);
    return { root, [Symbol.dispose]: () => root.close() };
  } catch (error) {
    if (!(error instanceof BerthError)) throw error;
    throw cantTell('ostree', error.message, 'see that it is mounted and can be read', error);
  }
}

/** The device and inode of a deployment's directory. */
export interface Marker {
  readonly dev: bigint;
  readonly ino: bigint;
}

/**
 * Reads `/run/ostree-booted`. With composefs `/` is not the directory of a deployment, and the file
 * names the device and inode of the deployment.
 *
 * After a soft reboot the file still names the earlier root, until ostree-boot-complete.service replaces it, later
 * than `berth activate` runs.
 */
export function bootedMarker(places: Places): Marker | undefined {
  const { run, root } = places;
  if (statSync(join(run, 'ostree-booted'), { throwIfNoEntry: false }) === undefined) {
    return undefined;
  }
  const entered = hasNextRoot(places) ? undefined : nextMarker(places);
  const marker = entered ?? markerIn(run, 'ostree-booted');
  if (marker !== undefined) return marker;
  const { dev, ino } = statSync(root, { bigint: true });
  return { dev, ino };
}

/**
 * The deployment that a soft reboot enters or has just entered, if ostree has prepared the soft reboot.
 *
 * Source: libostree's ostree-soft-reboot.c.
 */
export function nextMarker({ run }: Places): Marker | undefined {
  return markerIn(run, 'ostree/nextroot-booted');
}

function markerIn(run: string, name: string): Marker | undefined {
  using directory = opened(run);
  const content = directory.root.readFile(`/${name}`, MAX_STATE)?.content ?? Buffer.alloc(0);
  const pair = pairOf(dictionary(join(run, name), content).get('backing-root-device-inode'));
  return pair === undefined ? undefined : { dev: pair[0], ino: pair[1] };
}

/** In bytes: the largest file of ostree's state that is read. */
export const MAX_STATE = 1024 * 1024;

/**
 * The dictionary in a file of ostree's state.
 *
 * @throws {BerthError} `deployments`
 */
export function dictionary(path: string, bytes: Buffer): ReadonlyMap<string, Variant> {
  try {
    return readDictionary(bytes);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw cantTell('ostree', `${path}: ${error.message}`, 'look at `ostree admin status`', error);
  }
}
