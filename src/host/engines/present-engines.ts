import type { EngineId } from '../../common/engine-id.ts';
import { type Located, locateContainerd } from '../../engine/containerd/locate.ts';
import { dockerRuns } from '../../engine/docker/locate.ts';
import { EngineError } from '../../engine/errors.ts';
import { isSocket } from '../../engine/is-socket.ts';
import { crioSocket } from './open-crio.ts';
import type { EnginesOptions } from './open-engine.ts';

/**
 * The engines of the system whose sockets tell that they run now; of containerd, each namespace. No program is started
 * for that, so a podman without a socket is left out.
 */
export async function presentEngines({
  user,
  target,
  environment,
}: Pick<EnginesOptions, 'user' | 'target' | 'environment'>): Promise<readonly EngineId[]> {
  // Other users can't reach these engines, and an OS that does not run yet has none.
  if (user || target !== undefined) return [];
  const found = await Promise.all([
    unlessFailed(() => systemPodman(environment)),
    unlessFailed(async () => (dockerRuns(environment) ? ['docker'] : [])),
    unlessFailed(() => namespaces(environment)),
    unlessFailed(async () => (isSocket(crioSocket(environment)) ? ['crio'] : [])),
  ]);
  return found.flat();
}

/** An engine that does not answer, or that a variable places on another machine, is not present. */
async function unlessFailed(
  find: () => Promise<readonly EngineId[]>,
): Promise<readonly EngineId[]> {
  try {
    return await find();
  } catch (error) {
    if (error instanceof EngineError) return [];
    throw error;
  }
}

async function systemPodman(environment: NodeJS.ProcessEnv): Promise<readonly EngineId[]> {
  // Loaded here, because a program that asks may not use podman.
  const { podmanListens } = await import('../../engine/podman/podman.ts');
  return podmanListens(environment) ? ['podman'] : [];
}

async function namespaces(environment: NodeJS.ProcessEnv): Promise<readonly EngineId[]> {
  const own = await namespacesOf(locateContainerd(undefined, environment));
  const others = await namespacesOf(locateContainerd(OTHER, environment));
  return [
    ...own.filter((id) => id === 'containerd'),
    ...others.filter((id) => id !== 'containerd'),
  ];
}

async function namespacesOf(located: Located): Promise<readonly EngineId[]> {
  if ('reason' in located) return [];
  // Loaded here, because most hosts have no containerd.
  const { namespacesAt } = await import('../../engine/containerd/containerd.ts');
  return namespacesAt(located.socket);
}

/** Any namespace but that of Kubernetes, which may be in a containerd of its own. */
const OTHER = 'default';
