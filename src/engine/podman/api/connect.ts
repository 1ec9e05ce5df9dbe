import { PodmanApi } from './api.ts';
import { locatePodman } from './locate.ts';
import { type ServiceOptions, startService } from './service.ts';
import { openTargetStorage } from './target-storage.ts';

/** An OS that is not running yet, and the directories in it that podman needs. */
export interface PodmanTarget {
  /** The target's `/var/lib/containers/storage`. */
  readonly storage: string;
  /** The target's `/var/tmp`. */
  readonly temporary: string;
}

/** A podman that answers. */
export interface Connection {
  readonly api: PodmanApi;
  /** The version of the podman that answered when the connection was made, or restored. */
  readonly version: () => string;
  /** Whether berth started the service. */
  readonly own: boolean;
  close(): Promise<void>;
}

/** In milliseconds: the first connection to podman.socket has to start podman.service. */
const PING_TIMEOUT = 30_000;

/**
 * Connects to the podman that listens, or else to a service that is started for this connection.
 *
 * A podman that accepts connections but does not answer counts as absent: a podman.service that fails
 * because /etc is read-only behaves like that.
 *
 * @param target the OS whose storage podman works on, instead of the running system's.
 * @param alone never use podman.socket: early at boot it could wait for a unit that waits for berth.
 * @throws {EngineError} `engine-unreachable`
 */
export async function connectToPodman(
  user: boolean,
  environment: NodeJS.ProcessEnv,
  alone: boolean,
  target: PodmanTarget | undefined,
): Promise<Connection> {
  if (target !== undefined) return connectToTarget(user, environment, target);
  const { socket, demanded } = locatePodman(user, environment);
  if (demanded || !alone) {
    const api = new PodmanApi(socket);
    try {
      const version = await api.ping(PING_TIMEOUT);
      return { api, version: () => version, own: false, close: async () => api.close() };
    } catch (error) {
      api.close();
      if (demanded) throw error;
    }
  }
  return start(user, environment, { isUrgent: alone });
}

/** Starts a service of berth's own. If it has ended, the next request starts it again. */
async function start(
  user: boolean,
  environment: NodeJS.ProcessEnv,
  options: ServiceOptions,
): Promise<Connection> {
  let service = await startService(user, environment, options);
  let restarted = Promise.resolve(service.socket);
  const restart = () => {
    restarted = service.close().then(async () => {
      service = await startService(user, environment, options);
      return service.socket;
    });
    return restarted;
  };
  const api = new PodmanApi(service.socket, { restart });
  const close = async () => {
    api.close();
    // A service that is just being started must be ended as well.
    await restarted.catch(() => undefined);
    await service.close();
  };
  return { api, version: () => service.version, own: true, close };
}

async function connectToTarget(
  user: boolean,
  environment: NodeJS.ProcessEnv,
  { storage, temporary }: PodmanTarget,
): Promise<Connection> {
  const shown = await openTargetStorage(storage);
  try {
    // Downloads may be too large for the memory that an installer runs in.
    const podman = await start(
      user,
      { TMPDIR: temporary, ...environment },
      { podman: shown.podman, isUrgent: true },
    );
    const close = async () => {
      await podman.close();
      await shown.close();
    };
    return { ...podman, close };
  } catch (error) {
    await shown.close();
    throw error;
  }
}
