import type { EngineId } from '../../common/engine-id.ts';
import { together } from '../../common/together.ts';
import type { Depot } from '../depot.ts';
import type { Engine } from '../engine.ts';
import { Seals } from '../pins/seals.ts';
import { Strangers } from '../pins/strangers.ts';
import { connectToDocker } from './api/api.ts';
import { databaseOf, directoryOf, latestSettings, type Settings } from './api/settings.ts';
import type { PullRights } from './fetch/pull.ts';
import { Ids } from './images/ids.ts';
import { dockerLosses } from './losses.ts';
import { imagesOf, pinsOf } from './parts.ts';
import type { Moorings } from './pins/holds.ts';
import { listPins } from './pins/pin.ts';

export interface DockerOptions {
  readonly id: EngineId;
  readonly socket: string;
  /** The file with the key that seals pins; it need not exist. */
  readonly pinKey: string;
  /** Called once for each container that falsely claims to be berth's. */
  readonly warn?: (message: string) => void;
  /** Where images wait for docker. */
  readonly depot?: Depot | undefined;
  readonly credentials: PullRights['credentials'];
}

/**
 * Opens docker through its Engine API on a unix socket.
 *
 * @throws {EngineError} `engine-unreachable`
 */
export async function openDocker(options: DockerOptions): Promise<Engine> {
  const { id, socket, pinKey, warn = () => undefined, depot, credentials } = options;
  const { api, version } = await connectToDocker(socket);
  const settings = await latestSettings(api);
  const strangers = new Strangers('docker', warn);
  const moorings: Moorings = {
    api,
    settings,
    ids: new Ids(settings),
    engine: id,
    seals: new Seals(pinKey),
    onStranger: (stranger) => strangers.see(stranger),
  };
  const rights: PullRights = {
    credentials,
    permit: async (image, access, signal) => depot?.permit(image, access, { signal }),
  };
  const docker = { moorings, rights, depot, pins: together(() => listPins(moorings)) };
  return {
    id,
    // docker reads no policy.json, and pulls with the credentials that it is given.
    traits: { downloads: 'engine', judges: 'berth', pullsAs: 'caller', pins: 'firm' },
    ...imagesOf(docker),
    ...pinsOf(docker),
    info: async () => {
      const recent = await settings.recent();
      const description = `docker ${version} at ${socket}, ${wordsFor(recent)}`;
      return { name: id, version, directory: directoryOf(recent), description };
    },
    losses: async function* (signal) {
      yield* dockerLosses(api, databaseOf(await settings.recent()), signal);
    },
    close: async () => api.close(),
  };
}

function wordsFor({ store, driver }: Settings): string {
  return store === 'own' ? `its images in ${driver}` : 'its images in the store of containerd';
}
