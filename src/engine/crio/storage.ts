import { basename, dirname } from 'node:path';
import type { Engine } from '../engine.ts';
import { EngineError } from '../errors.ts';
import type { Cri } from './cri.ts';

/** CRI-O's storage: a containers/storage, which podman may use as well. */
export interface Storage {
  /** `/var/lib/containers/storage` */
  readonly directory: string;
  /** `overlay` */
  readonly driver: string;
  /** The directory of the list of images. */
  readonly imageList: string;
  /** A podman on this storage; undefined if there is none. */
  readonly podman: Engine | undefined;
}

/**
 * Finds CRI-O's storage, and opens podman if podman works on the same.
 *
 * @throws {EngineError} `engine-reply` if CRI-O does not tell of a storage.
 */
export async function openStorage(
  cri: Cri,
  openSharedPodman: () => Promise<Engine | undefined>,
): Promise<Storage> {
  const places = await cri.places();
  const imageList = places.find((place) => /^\/.*\/[a-z0-9]+-images$/.test(place));
  if (imageList === undefined) {
    throw new EngineError(
      'engine-reply',
      `expected CRI-O to say where its images are, found ${JSON.stringify(places.slice(0, 3))}`,
      { hint: 'berth knows CRI-O with containers/storage' },
    );
  }
  const directory = dirname(imageList);
  const driver = basename(imageList).replace(/-images$/, '');
  return { directory, driver, imageList, podman: await podmanOn(directory, openSharedPodman) };
}

/** The podman, if it works on this storage. A podman that does not start is no error: pulls don't need it. */
async function podmanOn(
  directory: string,
  openSharedPodman: () => Promise<Engine | undefined>,
): Promise<Engine | undefined> {
  const podman = await openSharedPodman().catch((error: unknown) => {
    if (error instanceof EngineError) return undefined;
    throw error;
  });
  if (podman === undefined) return undefined;
  if ((await podman.info()).graphRoot === directory) return podman;
  await podman.close();
  return undefined;
}
