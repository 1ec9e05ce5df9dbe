import { isAbsolute } from 'node:path';
import type { EngineId } from '../../common/engine-id.ts';
import type { Places } from '../containers-storage/footprint.ts';
import { layersIn, listOf } from '../containers-storage/layers.ts';
import type { Depot } from '../depot.ts';
import type { Engine } from '../engine.ts';
import { EngineError } from '../errors.ts';
import { inTime } from '../patience.ts';
import { driverOf, type Settings, settingsOf, temporaryOf } from './api/settings.ts';
import { repairImages } from './images/repair.ts';
import { podmanLosses } from './losses.ts';
import { imagesOf, mooringsOf, pinsOf } from './parts.ts';
import type { Account } from './user/account.ts';
import { connectToUser } from './user/connect.ts';
import { whyNotMounted } from './user/mounted.ts';

/** How to open another user's podman. */
export interface OthersPodmanOptions {
  readonly id: EngineId;
  readonly account: Account;
  /** The file with the key that seals pins; it need not exist. */
  readonly pinKey: string;
  readonly warn?: ((message: string) => void) | undefined;
  /** The only place that images of registries come from. */
  readonly depot?: Depot | undefined;
  /** The caller's environment, of which only `PATH` reaches the user's programs. */
  readonly environment: NodeJS.ProcessEnv;
}

/**
 * Opens the podman of another user, as root: through the user's socket, or a service that runs as the user.
 *
 * Nothing that this podman says or does is trusted: replies are bounded in size and time, and what they
 * name is touched by that user's processes only.
 *
 * @throws {EngineError} `engine-unreachable`
 */
export async function openOthersPodman(options: OthersPodmanOptions): Promise<Engine> {
  const { id, account, pinKey, warn, depot, environment } = options;
  const connection = await connectToUser(account, environment['PATH']);
  const { api } = connection;
  const settings = settingsOf(api);
  await inTime(id, assertMounted(settings, account)).catch(async (error: unknown) => {
    await connection.close();
    throw error;
  });
  const moorings = mooringsOf({ api, engine: id, keeper: id, pinKey, warn });
  const podman = {
    api,
    settings,
    moorings,
    environment: {},
    depot,
    places: () => placesOf(settings, account),
    layers: async () => {
      const { store } = await settings.recent();
      const { storage } = await placesOf(settings, account);
      const driver = driverOf(store);
      const isDriver = /^[a-z0-9]{1,20}$/.test(driver);
      return layersIn((isDriver && (await connection.read(listOf(storage, driver)))) || '');
    },
    pull: refuse,
  };
  const pins = pinsOf(podman);
  return {
    id,
    traits: { downloads: 'berth', judges: 'berth', pullsAs: 'other', pins: 'firm' },
    uid: account.uid,
    ...imagesOf(podman),
    ...pins,
    // The user can make any container, but no seal.
    genuine: async (all) => all.filter(({ sealed }) => sealed === true),
    info: async () => {
      const { storage, temporary } = await placesOf(settings, account);
      const version = plain(connection.version());
      const service = connection.own ? 'started by berth' : 'at the socket of the user';
      const description = `podman ${version} of ${account.name}, its service ${service}`;
      return { name: id, version, directory: storage, unpacking: temporary, description };
    },
    repair: (signal) => repairImages(api, signal),
    losses: (signal) => podmanLosses(api, signal),
    close: () => connection.close(),
  };
}

/**
 * The directories that a user's podman reports. They are what the user says: space is counted there, and
 * nothing else is done with them as root.
 */
async function placesOf(settings: Settings, { home }: Account): Promise<Places> {
  const { store } = await settings.recent();
  return {
    storage: ownPath(store.graphRoot, home),
    temporary: ownPath(temporaryOf(store), '/var/tmp'),
  };
}

/** Refuses a storage in a directory over which another file system will be mounted. */
async function assertMounted(settings: Settings, account: Account): Promise<void> {
  const { storage } = await placesOf(settings, account);
  const unusable = whyNotMounted(storage);
  if (unusable === undefined) return;
  throw new EngineError('engine-unreachable', unusable.reason, { hint: unusable.hint });
}

/** In bytes: PATH_MAX of the kernel. */
const MAX_PATH = 4096;

/** A path that the user's podman reports, if it is one. */
function ownPath(path: string, otherwise: string): string {
  return isAbsolute(path) && path.length < MAX_PATH && !path.includes('\0') ? path : otherwise;
}

/** A version as podman's are. */
function plain(version: string): string {
  return /^[0-9A-Za-z.+~-]{1,40}$/.test(version) ? version : '?';
}

async function refuse(name: string): Promise<never> {
  throw new EngineError('no-such-image', `${name} is not among berth's downloads`, {
    hint: 'run the same command again, which downloads it again',
  });
}
