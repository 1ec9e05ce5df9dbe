import { dirname } from 'node:path';
import { hostPlatform } from '../../image/platform.ts';
import type { Registry } from '../../registry/registry.ts';
import { readLayers } from '../containers-storage/layers.ts';
import type { Depot } from '../depot.ts';
import type { Engine } from '../engine.ts';
import { openGrpc } from '../grpc/transport.ts';
import type { ConfigPlaces } from './configuration.ts';
import { criOn } from './cri.ts';
import { imagesOf } from './images.ts';
import { lossesIn } from './losses.ts';
import { type PinsOptions, pinsOf } from './pins.ts';
import { openStorage, type Storage } from './storage.ts';

export { type ConfigPlaces } from './configuration.ts';

export interface CrioOptions extends Pick<PinsOptions, 'lock' | 'reload' | 'warn'> {
  readonly socket: string;
  readonly registry: Pick<Registry, 'credentials' | 'resolve'>;
  readonly depot: Depot;
  /** Opens a podman that may work on CRI-O's storage; undefined if this host has none. */
  readonly openSharedPodman: () => Promise<Engine | undefined>;
  /** The files of the configuration; by default those of a CRI-O without options. */
  readonly places?: ConfigPlaces | undefined;
}

const PLACES: ConfigPlaces = { main: '/etc/crio/crio.conf', dropIns: '/etc/crio/crio.conf.d' };

/**
 * Opens CRI-O by the Container Runtime Interface on its socket.
 *
 * @throws {EngineError} `engine-unreachable` if nobody answers there.
 */
export async function openCrio(options: CrioOptions): Promise<Engine> {
  const {
    socket,
    registry,
    depot,
    openSharedPodman,
    places = PLACES,
    lock,
    reload,
    warn,
  } = options;
  const grpc = openGrpc({ name: 'crio', socket });
  const cri = criOn(grpc);
  const close = () => grpc.close();
  const opened = await open().catch((error: unknown) => {
    close();
    throw error;
  });
  const { version, storage } = opened;
  const { podman } = storage;
  const pins = pinsOf({ cri, places, lock, reload, warn });
  const images = imagesOf({
    cri,
    podman,
    depot,
    storage: storage.directory,
    layers: () => readLayers(storage.directory, storage.driver),
    credentials: (name, access) => registry.credentials(name, access),
    meaning: async (name) => (await registry.resolve(name, hostPlatform(), {})).config,
    permit: (image, access, signal) => depot.permit(image, access, { signal, engineJudges: true }),
    isPinned: async (id) => (await pins.pins()).some((pin) => pin.id === id),
  });
  return {
    id: 'crio',
    traits: {
      downloads: 'engine',
      judges: 'engine',
      pullsAs: 'caller',
      pins: 'advisory',
      sharesStorageWith: ['podman'],
    },
    ...images,
    ...pins,
    info: async () => ({
      name: 'crio',
      version,
      directory: storage.directory,
      description: `at ${socket}${podman === undefined ? '' : ', and by podman on the same storage'}`,
      pins: 'advisory',
    }),
    ...(podman?.repair === undefined ? {} : { repair: podman.repair }),
    losses: (signal) =>
      lossesIn([dirname(places.dropIns), places.dropIns, storage.imageList], signal),
    close: async () => {
      close();
      await podman?.close();
    },
  };

  async function open(): Promise<{ readonly version: string; readonly storage: Storage }> {
    // First of all, because the storage of a program that is not CRI-O is none of berth's business.
    const version = await cri.version();
    return { version, storage: await openStorage(cri, openSharedPodman) };
  }
}
