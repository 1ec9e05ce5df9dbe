import { EngineError } from '../../errors.ts';
import { isSocket } from '../../is-socket.ts';
import { KUBERNETES } from './containerd.ts';

/** Where the containerd of the host listens, which docker may use too. */
const USUAL = '/run/containerd/containerd.sock';

/** Where the containerds that come with a Kubernetes listen: k3s and RKE2, k0s, MicroK8s. */
const OF_KUBERNETES = [
  '/run/k3s/containerd/containerd.sock',
  '/run/k0s/containerd.sock',
  '/var/snap/microk8s/common/run/containerd.sock',
];

/**
 * The socket of the containerd that has a namespace. If this machine has a containerd that came with a Kubernetes
 * and another one, Kubernetes runs in the former, and other namespaces are in the latter.
 *
 * @returns undefined if there is none.
 * @throws {EngineError} for a `CONTAINERD_ADDRESS` that is no path on this machine.
 */
export function containerdSocket(
  namespace: string | undefined,
  environment: NodeJS.ProcessEnv,
): string | undefined {
  const given = environment['CONTAINERD_ADDRESS'] ?? '';
  if (given !== '') return pathOf(given);
  const own =
    (namespace ?? KUBERNETES) === KUBERNETES
      ? [...OF_KUBERNETES, USUAL]
      : [USUAL, ...OF_KUBERNETES];
  return own.find(isSocket);
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
