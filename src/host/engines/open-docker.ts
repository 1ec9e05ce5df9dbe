import type { EngineId } from '../../common/engine-id.ts';
import type { Depot } from '../../engine/depot.ts';
import type { DockerOptions } from '../../engine/docker/docker.ts';
import { locateDocker } from '../../engine/docker/locate.ts';
import type { Absence, Engine } from '../../engine/engine.ts';
import type { Registry } from '../../registry/registry.ts';
import { atBoot } from '../at-boot.ts';

/** The options of a host that docker depends on. */
interface DockerHost extends Pick<DockerOptions, 'pinKey' | 'warn'> {
  readonly environment: NodeJS.ProcessEnv;
  readonly registry: Registry;
}

/** Opens docker, or says why it can't be used. */
export async function openDockerHere(
  id: EngineId,
  depot: Depot,
  { environment, registry, ...options }: DockerHost,
): Promise<Engine | Absence> {
  const socket = locateDocker(environment);
  if (socket === undefined) return atBoot('there is no docker on this system');
  const { openDocker } = await import('../../engine/docker/docker.ts');
  const { pinKey, warn } = options;
  const credentials: Registry['credentials'] = (name, access) => registry.credentials(name, access);
  return openDocker({ id, socket, pinKey, depot, credentials, ...(warn && { warn }) });
}
