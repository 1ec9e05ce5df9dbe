import type { Program } from '../../grpc/failure.ts';
import type { Grpc } from '../../grpc/transport.ts';

/** The namespace in which Kubernetes runs; the CRI serves this one alone. */
export const KUBERNETES = 'k8s.io';

/** The tools that the parts of the engine share. */
export interface Containerd {
  readonly program: Program;
  /** Calls within the namespace. */
  readonly grpc: Grpc;
  readonly namespace: string;
  /** The snapshotter that unpacks images. */
  readonly snapshotter: string;
}
