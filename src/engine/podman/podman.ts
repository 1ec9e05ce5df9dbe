import { Semaphore } from '../../common/semaphore.ts';
import type { ResolvedImage } from '../../image/resolved.ts';
import type { Access } from '../../registry/access.ts';
import { RegistryError } from '../../registry/errors.ts';
import { readLayers } from '../containers-storage/layers.ts';
import type { Depot } from '../depot.ts';
import type { Engine } from '../engine.ts';
import { connectToPodman, type PodmanTarget } from './api/connect.ts';
import { infoReply } from './api/replies.ts';
import { type AtHand, fetchImage } from './fetch/fetch.ts';
import { OneAtATime } from './fetch/one-at-a-time.ts';
import { Pulls } from './fetch/pull.ts';
import { listServiceContainers } from './images/containers.ts';
import { hasImage, listImages } from './images/images.ts';
import { tagImage } from './images/names.ts';
import { removeImage } from './images/remove.ts';
import type { Moorings } from './pins/holds.ts';
import { countFreeLocks } from './pins/locks.ts';
import { genuinePins, listPins, pinImages } from './pins/pin.ts';
import { Seals } from './pins/seals.ts';
import { Strangers } from './pins/strangers.ts';
import { unpinImages } from './pins/unpin.ts';

export interface PodmanOptions {
  /** The calling user's podman instead of the system's. */
  readonly user: boolean;
  /** Start a service for this, also where podman.socket is; `CONTAINER_HOST` goes before. */
  readonly alone?: boolean;
  readonly target?: PodmanTarget | undefined;
  /** The key with which pins are sealed: a file that need not exist. */
  readonly pinKey: string;
  /** Told, once for each container, what says falsely that it is of berth. */
  readonly warn?: (message: string) => void;
  /** Where images wait to be unpacked. */
  readonly depot?: Depot | undefined;
  /** Where `CONTAINER_HOST` and the like stand. */
  readonly environment?: NodeJS.ProcessEnv;
}

/**
 * podman, by its libpod API on a unix socket; where none listens, by a service of berth's own that
 * ends with `close`.
 *
 * @throws {EngineError} `engine-unreachable`
 */
export async function openPodman({
  user,
  alone = false,
  target,
  pinKey,
  warn = () => undefined,
  depot,
  environment = process.env,
}: PodmanOptions): Promise<Engine> {
  const podman = await connectToPodman(user, environment, alone, target);
  const { api, version, own } = podman;
  const strangers = new Strangers(warn);
  const moorings: Moorings = {
    api,
    seals: new Seals(pinKey),
    onStranger: (stranger) => strangers.see(stranger),
  };
  const pulls = new Pulls(api, async (image, access, signal) =>
    depot?.permit(image, access, { signal, engineJudges: true }),
  );
  const fetches = new OneAtATime();
  const pinning = new Semaphore(1);
  const places = new Semaphore(UNPACKED_AT_A_TIME);
  const podmanInfo = once(() => api.json(infoReply, { method: 'GET', path: '/info' }));
  const cgroupParent = async () => {
    const { host } = await podmanInfo();
    if (host.cgroupManager !== 'systemd') return undefined;
    return host.security.rootless ? 'user.slice' : 'machine.slice';
  };
  const layers = async () => {
    const { store } = await podmanInfo();
    return readLayers(target?.storage ?? store.graphRoot, store.graphDriverName ?? 'overlay');
  };
  const blobsToLoad = async ({ blobs: [config, ...blobs] }: ResolvedImage) => {
    const here = new Set((await layers()).map((chain) => chain.at(-1)));
    const missing = blobs.filter(({ digest }) => !here.has(digest));
    return config === undefined ? missing : [config, ...missing];
  };
  const atHand = async (
    image: ResolvedImage,
    access: Access,
    signal: AbortSignal | undefined,
  ): Promise<AtHand | undefined> => {
    const { shipped } = access;
    if (shipped !== undefined) {
      // What is not at hand podman has, or it will say so.
      return { from: shipped, blobs: image.blobs.filter(({ digest }) => shipped.has(digest)) };
    }
    if (depot?.find(image.name, image) === undefined) return undefined;
    const blobs = await blobsToLoad(image);
    if (!blobs.every((blob) => depot.has(blob))) return undefined;
    // It may be here by another name: podman judges it by this one, if berth does not let it in.
    const isPermitted = await permitted(depot, image, access, signal);
    return isPermitted ? { from: depot.images, blobs } : undefined;
  };
  return {
    name: 'podman',
    concurrency: CONCURRENCY,
    ...(depot === undefined ? {} : { depot }),
    idOf: (image) => image.config,
    info: async () => {
      const { host, store } = await podmanInfo();
      const mode = host.security.rootless ? 'rootless ' : '';
      const how = own ? 'started by berth' : `at ${api.socket}`;
      return {
        name: 'podman',
        version,
        directory: target?.storage ?? store.graphRoot,
        unpacking: store.imageCopyTmpDir || '/var/tmp',
        ...(host.security.rootless
          ? {}
          : {
              graphRoot: store.graphRoot,
              ...(store.graphDriverName === undefined ? {} : { driver: store.graphDriverName }),
              additionalStores: additionalStoresOf(store.graphOptions ?? {}),
            }),
        description: `${mode}podman ${version}, its service ${how}`,
      };
    },
    images: () => listImages(api),
    has: (id) => hasImage(api, id),
    pins: () => listPins(moorings),
    genuine: (pins) => genuinePins(moorings, pins),
    missingBlobs: async (image) => {
      const blobs = await blobsToLoad(image);
      return depot === undefined ? blobs : depot.missing(blobs);
    },
    layers,
    freeLocks: async () => {
      const { host } = await podmanInfo();
      return host.freeLocks ?? countFreeLocks(api, environment, host.security.rootless);
    },
    freed: async (ids) =>
      (await listImages(api)).reduce((sum, { id, size }) => sum + (ids.has(id) ? size : 0), 0),
    fetch: (image, access, watch) =>
      fetches.run(image.blobs, () =>
        places.run(sizeOf(image), () =>
          fetchImage(api, pulls, image, access, () => atHand(image, access, watch?.signal), watch),
        ),
      ),
    // Two at once would each make the pod of a root, and each pod takes a lock.
    pin: (root, images) => pinning.run(0, () => pinImages(moorings, root, images, cgroupParent)),
    unpin: (pins) => unpinImages(moorings, pins),
    tag: (id, name) => tagImage(moorings, id, name),
    remove: (id) => removeImage(api, id),
    containers: (unit) => listServiceContainers(api, unit),
    close: () => podman.close(),
  };
}

async function permitted(
  depot: Depot,
  image: ResolvedImage,
  access: Access,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  try {
    await depot.permit(image, access, { signal });
    return true;
  } catch (error) {
    if (error instanceof RegistryError && error.code === 'policy-rejected') return false;
    throw error;
  }
}

/** `overlay.imagestore` of podman 4, of which it tells but the last; a list of podman 5. */
function additionalStoresOf(options: Readonly<Record<string, unknown>>): readonly string[] {
  const values = Object.entries(options)
    .filter(([key]) => /imagestores?$/i.test(key))
    .flatMap(([, value]) => (Array.isArray(value) ? value : [value]));
  const paths = values.flatMap((value) => (typeof value === 'string' ? value.split(',') : []));
  return [...new Set(paths.filter((path) => path.startsWith('/')))];
}

/** What is unpacked next should have come by then. */
const CONCURRENCY = 8;

/** Two at once only get into each other's way: 8 images took 20 s so, and 12 s one by one. */
const UNPACKED_AT_A_TIME = 1;

function sizeOf({ blobs }: ResolvedImage): number {
  return blobs.reduce((sum, { size }) => sum + size, 0);
}

/** podman takes a third of a second to tell about itself: never asked before it is needed. */
function once<T>(work: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => (result ??= work());
}
