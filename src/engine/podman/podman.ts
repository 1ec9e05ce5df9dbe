import { Semaphore } from '../../common/semaphore.ts';
import { type ResolvedImage, sizeOf } from '../../image/resolved.ts';
import { readLayers } from '../containers-storage/layers.ts';
import type { Depot } from '../depot.ts';
import type { Engine, Images, Pins } from '../engine.ts';
import { type Connection, connectToPodman, type PodmanTarget } from './api/connect.ts';
import {
  cgroupParentOf,
  describe,
  type Settings,
  settingsOf,
  temporaryOf,
} from './api/settings.ts';
import { atHand } from './fetch/at-hand.ts';
import { fetchImage } from './fetch/fetch.ts';
import { OneAtATime } from './fetch/one-at-a-time.ts';
import { Pulls } from './fetch/pull.ts';
import { listServiceContainers } from './images/containers.ts';
import { footprintOf, lackingOf, UNPACKED_AT_A_TIME } from './images/footprint.ts';
import { hasImage, listImages } from './images/images.ts';
import { tagImage } from './images/names.ts';
import { removeImage } from './images/remove.ts';
import { repairImages } from './images/repair.ts';
import type { Moorings } from './pins/holds.ts';
import { roomFor } from './pins/locks.ts';
import { genuinePins, listPins, pinImages } from './pins/pin.ts';
import { Seals } from './pins/seals.ts';
import { Strangers } from './pins/strangers.ts';
import { unpinImages } from './pins/unpin.ts';

export { type PodmanTarget } from './api/connect.ts';
export { podmanPresent } from './api/locate.ts';

export interface PodmanOptions {
  /** The calling user's podman instead of the system's. */
  readonly user: boolean;
  /** Start a service of berth's own, even if podman.socket exists; `CONTAINER_HOST` overrides this. */
  readonly alone?: boolean;
  readonly target?: PodmanTarget | undefined;
  /** The file with the key that seals pins; it need not exist. */
  readonly pinKey: string;
  /** Called once for each container that falsely claims to be berth's. */
  readonly warn?: (message: string) => void;
  /** Where images wait to be unpacked. */
  readonly depot?: Depot | undefined;
  /** The environment with `CONTAINER_HOST` and similar variables. */
  readonly environment: NodeJS.ProcessEnv;
}

/**
 * Opens podman through its libpod API on a unix socket. If nothing listens there, a service of berth's own
 * is started, which ends with `close`.
 *
 * @throws {EngineError} `engine-unreachable`
 */
export async function openPodman(options: PodmanOptions): Promise<Engine> {
  const {
    user,
    alone = false,
    target,
    pinKey,
    warn = () => undefined,
    depot,
    environment,
  } = options;
  const connection = await connectToPodman(user, environment, alone, target);
  const { api } = connection;
  const settings = settingsOf(api);
  const strangers = new Strangers(warn);
  const moorings: Moorings = {
    api,
    seals: new Seals(pinKey),
    onStranger: (stranger) => strangers.see(stranger),
  };
  const podman: Podman = { connection, settings, moorings, environment, target, depot };
  return {
    id: 'podman',
    traits: { downloads: 'engine', judges: 'engine', pullsAs: 'caller' },
    ...imagesOf(podman),
    ...pinsOf(podman),
    info: async () => {
      const service = connection.own ? 'started by berth' : `at ${api.socket}`;
      const info = await settings.recent();
      return describe(info, connection.version(), target?.storage, service);
    },
    containers: (unit) => listServiceContainers(api, unit),
    repair: (signal) => repairImages(api, signal),
    close: () => connection.close(),
  };
}

/** The tools that the parts of the engine share. */
interface Podman {
  readonly connection: Connection;
  readonly settings: Settings;
  readonly moorings: Moorings;
  readonly environment: NodeJS.ProcessEnv;
  readonly target: PodmanTarget | undefined;
  readonly depot: Depot | undefined;
}

/**
 * The number of images fetched at a time: enough that the next image has arrived when podman is ready to
 * unpack it.
 */
const CONCURRENCY = 8;

function imagesOf(podman: Podman): Images {
  const { connection, moorings, depot } = podman;
  const { api } = connection;
  return {
    concurrency: CONCURRENCY,
    depot,
    idOf: (image) => image.config,
    images: () => listImages(api),
    has: (id) => hasImage(api, id),
    footprint: async (images) => {
      const chains = images.length === 0 ? [] : await layers(podman);
      return footprintOf(images, chains, await places(podman), depot);
    },
    freed: async (ids) =>
      (await listImages(api)).reduce((sum, { id, size }) => sum + (ids.has(id) ? size : 0), 0),
    fetch: fetching(podman),
    tag: (id, name) => tagImage(moorings, id, name),
    remove: (id) => removeImage(api, id),
  };
}

async function places({ settings, target }: Podman) {
  const { store } = await settings.recent();
  return { storage: target?.storage ?? store.graphRoot, temporary: temporaryOf(store) };
}

async function layers({ settings, target }: Podman): Promise<readonly (readonly string[])[]> {
  const { store } = await settings.recent();
  return readLayers(target?.storage ?? store.graphRoot, store.graphDriverName ?? 'overlay');
}

function fetching(podman: Podman): Images['fetch'] {
  const { connection, depot } = podman;
  const pulls = new Pulls(connection.api, async (image, access, signal) =>
    depot?.permit(image, access, { signal, engineJudges: true }),
  );
  const fetches = new OneAtATime();
  const unpacking = new Semaphore(UNPACKED_AT_A_TIME);
  const lacking = async (image: ResolvedImage) => lackingOf(image, await layers(podman));
  return (image, source, watch) => {
    const here = () => atHand(image, source, depot, () => lacking(image), watch?.signal);
    const fetch = () => fetchImage(connection.api, pulls, image, source, here, watch);
    return fetches.run(image.blobs, () => unpacking.run(sizeOf(image.blobs), fetch));
  };
}

function pinsOf({ connection, settings, moorings, environment }: Podman): Pins {
  const { api } = connection;
  const pinning = new Semaphore(1);
  const cgroupParent = async () => cgroupParentOf(await settings.recent());
  return {
    pins: () => listPins(moorings),
    genuine: (pins) => genuinePins(moorings, pins),
    roomFor: (root, count) => roomFor(api, settings, environment, root, count),
    // Two at once would each make a pod for the root, and each pod takes a lock.
    pin: (root, images) => pinning.run(0, () => pinImages(moorings, root, images, cgroupParent)),
    unpin: (pins) => unpinImages(moorings, pins),
  };
}
