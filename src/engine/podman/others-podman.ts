import { isAbsolute } from 'node:path';
import type { EngineId } from '../../common/engine-id.ts';
import type { Depot } from '../depot.ts';
import type { Engine } from '../engine.ts';
import { EngineError } from '../errors.ts';
import { describe, settingsOf, temporaryOf } from './api/settings.ts';
import { repairImages } from './images/repair.ts';
import { imagesOf, mooringsOf, pinsOf } from './parts.ts';
import type { Account } from './user/account.ts';
import { connectToUser } from './user/connect.ts';

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
  const moorings = mooringsOf({ api, engine: id, keeper: 'root', pinKey, warn });
  const podman = {
    api,
    settings,
    moorings,
    environment: {},
    depot,
    places: async () => {
      const { store } = await settings.recent();
      return {
        storage: ownPath(store.graphRoot, account.home),
        temporary: ownPath(temporaryOf(store), '/var/tmp'),
      };
    },
    layers: async () => [],
    pull: refuse,
  };
  const pins = pinsOf(podman);
  return {
    id,
    traits: { downloads: 'berth', judges: 'berth', pullsAs: 'other' },
    ...imagesOf(podman),
    ...pins,
    // The user can make any container, but no seal.
    genuine: async (all) => all.filter(({ sealed }) => sealed === true),
    info: async () => {
      const service = connection.own ? 'started by berth' : 'at its socket';
      const info = describe(await settings.recent(), connection.version(), undefined, service);
      return { ...info, name: id, directory: ownPath(info.directory, account.home) };
    },
    repair: (signal) => repairImages(api, signal),
    close: () => connection.close(),
  };
}

/** In bytes: PATH_MAX of the kernel. */
const MAX_PATH = 4096;

/** A path that the user's podman reports, if it is one. */
function ownPath(path: string, otherwise: string): string {
  return isAbsolute(path) && path.length < MAX_PATH && !path.includes('\0') ? path : otherwise;
}

async function refuse(name: string): Promise<never> {
  throw new EngineError('no-such-image', `${name} is not among berth's downloads`, {
    hint: 'run the same command again, which downloads it again',
  });
}
