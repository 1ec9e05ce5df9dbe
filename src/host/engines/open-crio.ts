import { dirname, join } from 'node:path';
import type { ConfigPlaces } from '../../engine/crio/crio.ts';
import type { Depot } from '../../engine/depot.ts';
import type { Absence, Engine } from '../../engine/engine.ts';
import { EngineError } from '../../engine/errors.ts';
import { isSocket } from '../../engine/is-socket.ts';
import type { PodmanOptions } from '../../engine/podman/podman.ts';
import type { Registry } from '../../registry/registry.ts';
import { atBoot } from '../at-boot.ts';

/** The options of a host that CRI-O depends on, and the podman that may share its storage. */
interface CrioHost extends Pick<PodmanOptions, 'environment' | 'alone' | 'target' | 'pinKey'> {
  readonly warn: (message: string) => void;
  readonly registry: Registry;
}

/**
 * Opens CRI-O, or says why it can't be used.
 *
 * @throws {EngineError} if CRI-O listens and does not answer.
 */
export async function openCrioHere(depot: Depot, options: CrioHost): Promise<Engine | Absence> {
  const { environment, target, pinKey, warn, registry } = options;
  const socket = crioSocket(environment);
  if (target !== undefined || !isSocket(socket)) return absent(options, socket);
  const { openCrio } = await import('../../engine/crio/crio.ts');
  return openCrio({
    socket,
    registry,
    depot,
    warn,
    openSharedPodman: () => openSharedPodman(depot, options),
    lock: join(dirname(pinKey), 'locks', 'crio'),
    places: placesOf(environment),
    reload: async () => {
      const { hangUp } = await import('../../systemctl/systemctl.ts');
      return hangUp('crio.service', environment);
    },
  });
}

/** Where CRI-O listens: crictl's variable, or else the path of CRI-O's own configuration. */
export function crioSocket({
  CONTAINER_RUNTIME_ENDPOINT: endpoint = '',
}: NodeJS.ProcessEnv): string {
  if (endpoint === '') return '/run/crio/crio.sock';
  const path = /^unix:(?:\/\/)?(\/.+)$/.exec(endpoint)?.[1];
  if (path !== undefined) return path;
  throw new EngineError(
    'engine-failed',
    `expected CONTAINER_RUNTIME_ENDPOINT to be unix:// and the path of a socket, found ${endpoint}`,
    { hint: 'berth works with the CRI-O of this machine; unset CONTAINER_RUNTIME_ENDPOINT' },
  );
}

/**
 * The files that CRI-O reads. A drop-in of crio.service may set these variables, and berth's environment needs them too.
 *
 * Source: CRI-O, internal/criocli/criocli.go, `getCrioFlags`.
 */
function placesOf(environment: NodeJS.ProcessEnv): ConfigPlaces {
  return {
    main: environment['CONTAINER_CONFIG'] || '/etc/crio/crio.conf',
    dropIns: environment['CONTAINER_CONFIG_DIR'] || '/etc/crio/crio.conf.d',
  };
}

/** A podman with which CRI-O may share its storage. */
async function openSharedPodman(
  depot: Depot,
  { environment, alone, pinKey, warn }: CrioHost,
): Promise<Engine | undefined> {
  const { openPodman, podmanPresent } = await import('../../engine/podman/podman.ts');
  if (!podmanPresent(false, environment)) return undefined;
  return openPodman({
    id: 'crio',
    user: false,
    environment,
    alone: alone ?? false,
    pinKey,
    warn,
    depot,
  });
}

/** Without podman, nothing can hand images to a CRI-O: the CRI takes them from registries alone. */
async function absent({ environment }: CrioHost, socket: string): Promise<Absence> {
  const { podmanPresent } = await import('../../engine/podman/podman.ts');
  const reason = `no CRI-O listens at ${socket}`;
  if (podmanPresent(false, environment)) {
    return atBoot(
      reason,
      "`berth activate`, which each boot runs, hands its images over, by podman on CRI-O's storage",
    );
  }
  const hint =
    "install podman, which shares CRI-O's storage: without it CRI-O takes images only from registries";
  return { reason, hint, takes: 'never' };
}
