import type { EngineId } from '../../common/engine-id.ts';
import { displayPath } from '../../common/path-bytes.ts';
import { RootError } from '../../root/root.ts';
import { hasProgram } from '../engines/docker-program.ts';
import { engineUnknown, type Placement } from '../engines/placement.ts';
import type { Fault } from '../problem.ts';
import type { SourceContext } from '../source.ts';

/** The socket at which the kubelet asks for containers, as a file of the root names it. */
export interface RuntimeEndpoint {
  /** The file that names the socket. */
  readonly path: string;
  readonly text: string;
  /** Why `text` is not completely known. */
  readonly fault?: Fault;
}

/** The engine that runs the pods of a node: what the kubelet is told, else what the root has. */
export function podRuntime(
  endpoint: RuntimeEndpoint | undefined,
  context: SourceContext,
): Placement {
  if (endpoint !== undefined) return runtimeAt(endpoint);
  const isCrio = hasEngine('crio', context) && !hasEngine('containerd', context);
  return { engine: isCrio ? 'crio' : 'containerd' };
}

/** Whether a root has an engine's program or its configuration. */
export function hasEngine(name: 'containerd' | 'crio', context: SourceContext): boolean {
  return hasProgram(name, context) || exists(`${context.etc}/${name}`, context);
}

function runtimeAt({ path, text, fault }: RuntimeEndpoint): Placement {
  if (fault !== undefined) return engineUnknown(fault.message, fault.hint);
  const socket = text.replace(/^unix:\/\//, '').replace(/^\/var\/run\//, '/run/');
  const engine = sockets[socket];
  if (engine !== undefined) return { engine };
  return engineUnknown(
    `expected the kubelet to use the socket of containerd, CRI-O or cri-dockerd, found another one in ${displayPath(path)}`,
    'correct containerRuntimeEndpoint, or leave the pods unbound',
  );
}

/**
 * Source: kubernetes.io, "Container Runtimes"; k3s, pkg/agent/containerd; docs.k0sproject.io, "Runtime"; dockershim's socket is that of Kubernetes up to 1.23.
 */
const sockets: Readonly<Record<string, EngineId>> = {
  '/run/containerd/containerd.sock': 'containerd',
  '/run/k3s/containerd/containerd.sock': 'containerd',
  '/run/k0s/containerd.sock': 'containerd',
  '/run/crio/crio.sock': 'crio',
  '/run/cri-dockerd.sock': 'docker',
  '/run/dockershim.sock': 'docker',
};

function exists(path: string, { root }: SourceContext): boolean {
  try {
    return root.lookup(path) !== undefined;
  } catch (error) {
    if (error instanceof RootError) return false;
    throw error;
  }
}
