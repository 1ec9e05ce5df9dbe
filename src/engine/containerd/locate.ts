import { existsSync, realpathSync } from 'node:fs';
import { basename, join } from 'node:path';
import { EngineError } from '../errors.ts';
import { isSocket } from '../is-socket.ts';
import { KUBERNETES } from './api/containerd.ts';
import { endpointGivenTo } from './given-endpoint.ts';

/** Where the containerd of the host listens, which docker may use too. */
const USUAL = '/run/containerd/containerd.sock';

/** Where the containerds that come with a Kubernetes listen, and the services that start them. */
const KUBERNETES_SERVICES: Readonly<Record<string, readonly string[]>> = {
  // RKE2 is built on k3s, and has its socket.
  '/run/k3s/containerd/containerd.sock': ['k3s', 'k3s-agent', 'rke2-server', 'rke2-agent'],
  '/run/k0s/containerd.sock': ['k0scontroller', 'k0sworker'],
  '/var/snap/microk8s/common/run/containerd.sock': ['snap.microk8s.daemon-containerd'],
};

const OF_KUBERNETES = Object.keys(KUBERNETES_SERVICES);

/** The directories with the units of services. */
const UNITS: readonly string[] = [
  '/etc/systemd/system',
  '/usr/local/lib/systemd/system',
  '/usr/lib/systemd/system',
];

/** The services that may run the containerd at a socket. */
export function servicesOf(socket: string): readonly string[] {
  return KUBERNETES_SERVICES[socket] ?? ['containerd'];
}

/** The socket of a containerd, or why there is none yet. */
export type Located = { readonly socket: string } | { readonly reason: string };

/**
 * Finds the containerd that has a namespace. If this machine has a containerd that came with a Kubernetes and another
 * one, Kubernetes runs in the former, and other namespaces are in the latter. A Kubernetes that has yet to start its
 * containerd is waited for: the other containerd would keep its images where no pod finds them. A
 * Kubernetes that is told to use a containerd which it does not start is followed there.
 *
 * @param units the directories with the units of services; by default those of this machine.
 * @param configurations the directory with the configuration of k3s and RKE2; by default that of this machine.
 * @throws {EngineError} for a `CONTAINERD_ADDRESS` that is no path on this machine.
 */
export function locateContainerd(
  namespace: string | undefined,
  environment: NodeJS.ProcessEnv,
  units = UNITS,
  configurations?: string,
): Located {
  const given = environment['CONTAINERD_ADDRESS'] ?? '';
  if (given !== '') return { socket: pathOf(given) };
  const isOfKubernetes = (namespace ?? KUBERNETES) === KUBERNETES;
  const own = isOfKubernetes ? [...OF_KUBERNETES, USUAL] : [USUAL, ...OF_KUBERNETES];
  const socket = own.find(isSocket);
  if (isOfKubernetes && (socket === undefined || socket === USUAL)) {
    const awaited = installedIn(units);
    if (awaited !== undefined) return locatedBy(awaited, units, configurations);
  }
  return socket === undefined ? { reason: 'there is no containerd on this system' } : { socket };
}

/** The containerd of an installed Kubernetes whose usual socket is not there. */
function locatedBy(service: string, units: readonly string[], configurations?: string): Located {
  const given = endpointGivenTo(service, units, configurations);
  if (given === undefined) {
    return { reason: `${service}.service is installed, and its containerd does not listen` };
  }
  if (basename(given) !== 'containerd.sock') {
    return {
      reason: `${service}.service is installed, and uses ${given} in place of a containerd`,
    };
  }
  return isSocket(given)
    ? { socket: given }
    : { reason: `${service}.service is installed, and its containerd does not listen at ${given}` };
}

/** A service that starts the containerd of a Kubernetes, if one is installed and not masked. */
function installedIn(units: readonly string[]): string | undefined {
  return Object.values(KUBERNETES_SERVICES)
    .flat()
    .find((service) =>
      units.some((directory) => {
        const path = join(directory, `${service}.service`);
        return existsSync(path) && realpathSync(path) !== '/dev/null';
      }),
    );
}

function pathOf(address: string): string {
  const path = address.replace(/^unix:\/\//, '');
  if (path.startsWith('/')) return path;
  throw new EngineError(
    'engine-failed',
    `expected CONTAINERD_ADDRESS to be the path of a socket, found ${address}`,
    { hint: 'correct it, or unset it: berth works with the containerd of this machine' },
  );
}
