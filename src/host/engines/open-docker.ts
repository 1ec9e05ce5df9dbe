import type { EngineId } from '../../common/engine-id.ts';
import type { Depot } from '../../engine/depot.ts';
import type { DockerOptions } from '../../engine/docker/docker.ts';
import type { Absence, Engine } from '../../engine/engine.ts';
import type { Registry } from '../../registry/registry.ts';
import { atBoot } from '../at-boot.ts';

/** The options of a host that docker depends on. */
interface DockerHost extends Pick<DockerOptions, 'pinKey' | 'warn'> {
  /** The calling user's engine instead of the system's. */
  readonly user: boolean;
  readonly environment: NodeJS.ProcessEnv;
  /** An OS that is not running yet. */
  readonly target?: object | undefined;
  readonly registry: Registry;
}

/** Opens docker, or says why it can't be used. */
export async function openDockerHere(
  id: EngineId,
  depot: Depot,
  { user, target, environment, registry, ...options }: DockerHost,
): Promise<Engine | Absence> {
  if (user) {
    const reason = 'only root can reach docker';
    return { reason, hint: 'run berth as root', takes: 'never' };
  }
  if (target !== undefined) return atBoot('an OS that does not run yet has no docker');
  const { locateDocker, openDocker } = await import('../../engine/docker/docker.ts');
  const socket = locateDocker(environment);
  if (socket === undefined) return atBoot('there is no docker on this system');
  const { pinKey, warn } = options;
  const credentials: Registry['credentials'] = (name, access) => registry.credentials(name, access);
  return openDocker({ id, socket, pinKey, depot, credentials, ...(warn && { warn }) });
}
