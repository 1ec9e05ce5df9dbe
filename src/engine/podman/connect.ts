import { PodmanApi } from './api.ts';
import { locatePodman } from './locate.ts';
import { type Service, startService } from './service.ts';

/** A podman that answers. */
export interface Connection extends Service {
  readonly version: string;
  /** Whether berth started its service. */
  readonly own: boolean;
}

/** In milliseconds: the first connection to podman.socket starts podman.service. */
const PING_TIMEOUT = 30_000;

/**
 * Connects to the podman that listens, or to a service that is started for this.
 *
 * One that accepts and then does not answer counts as none: so does a podman.service that fails
 * where /etc is read-only.
 *
 * @param alone never podman.socket: early at boot it could wait for what waits for berth.
 * @throws {EngineError} `engine-unreachable`
 */
export async function connectToPodman(
  user: boolean,
  environment: NodeJS.ProcessEnv,
  alone: boolean,
): Promise<Connection> {
  const { socket, demanded } = locatePodman(user, environment);
  if (demanded || !alone) {
    const api = new PodmanApi(socket);
    try {
      const version = await api.ping(PING_TIMEOUT);
      return { api, version, own: false, close: async () => api.close() };
    } catch (error) {
      api.close();
      if (demanded) throw error;
    }
  }
  const service = await startService(user, environment, (path) => new PodmanApi(path));
  const version = await service.api.ping(PING_TIMEOUT);
  return { ...service, version, own: true };
}
