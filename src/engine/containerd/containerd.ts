import { containerdIn, type EngineId } from '../../common/engine-id.ts';
import { once } from '../../common/once.ts';
import { together } from '../../common/together.ts';
import type { Registry } from '../../registry/registry.ts';
import type { Depot } from '../depot.ts';
import type { Engine } from '../engine.ts';
import { openGrpc } from '../grpc/transport.ts';
import { Seals } from '../pins/seals.ts';
import { type Containerd, KUBERNETES } from './api/containerd.ts';
import {
  type Cri,
  databaseOf,
  findCri,
  rootOf,
  type Settings,
  settingsOf,
} from './api/settings.ts';
import type { Pull } from './fetch/fetch.ts';
import { pullByCri } from './fetch/pull-by-cri.ts';
import { Documents } from './images/documents.ts';
import { servicesOf } from './locate.ts';
import { lossesOf } from './losses.ts';
import { imagesOf, pinsOf } from './parts.ts';
import { look, type Moorings } from './pins/pin.ts';

export { namespacesAt } from './api/namespaces.ts';

export interface ContainerdOptions {
  readonly socket: string;
  /** By default that of Kubernetes. */
  readonly namespace?: string | undefined;
  /** The file with the key that seals pins; it need not exist. */
  readonly pinKey: string;
  readonly registry: Registry;
  /** Where images wait for this containerd. */
  readonly depot?: Depot | undefined;
  /** As `GrpcOptions.patience`. */
  readonly patience?: number;
}

/**
 * Opens a namespace of containerd at its socket.
 *
 * @throws {EngineError} `engine-unreachable`
 */
export async function openContainerd(options: ContainerdOptions): Promise<Engine> {
  const { socket, namespace = KUBERNETES, patience } = options;
  const program = { name: 'containerd', socket, services: servicesOf(socket) };
  const headers = { 'containerd-namespace': namespace };
  const grpc = openGrpc(program, { headers, ...(patience === undefined ? {} : { patience }) });
  try {
    const cri = namespace === KUBERNETES ? await findCri(grpc) : undefined;
    const snapshotter = cri?.snapshotter ?? 'overlayfs';
    return await engineOn({ program, grpc, namespace, snapshotter }, cri, options);
  } catch (error) {
    grpc.close();
    throw error;
  }
}

async function engineOn(
  containerd: Containerd,
  cri: Cri | undefined,
  { pinKey, registry, depot }: ContainerdOptions,
): Promise<Engine> {
  const { grpc, namespace, program, snapshotter } = containerd;
  const id: EngineId = containerdIn(namespace) ?? 'containerd';
  const settings = once(() => settingsOf(grpc, snapshotter));
  const documents = new Documents(containerd);
  const tools = { containerd, documents, seals: new Seals(pinKey), engine: id };
  const moorings: Moorings = { ...tools, look: together(() => look(tools)) };
  const pull = await pullOf(containerd, cri, registry, settings);
  return {
    id,
    traits: {
      downloads: pull === undefined ? 'berth' : 'engine',
      judges: 'berth',
      pullsAs: 'caller',
      pins: 'firm',
    },
    ...imagesOf({ ...moorings, registry, depot, pull }, settings),
    ...pinsOf(moorings),
    info: async () => {
      const told = await settings();
      const pulls = cri === undefined ? '' : ', pulling through its CRI';
      const description = `containerd ${told.version} at ${program.socket}, namespace ${namespace}${pulls}`;
      return { name: id, version: told.version, directory: rootOf(told), description };
    },
    losses: async function* (signal) {
      yield* lossesOf(containerd, databaseOf(await settings()), signal);
    },
    close: async () => grpc.close(),
  };
}

/** How containerd pulls by itself; undefined if it can't: 1.6 outside of the namespace of Kubernetes. */
async function pullOf(
  containerd: Containerd,
  cri: Cri | undefined,
  registry: Registry,
  settings: () => Promise<Settings>,
): Promise<Pull | undefined> {
  if (cri !== undefined) return pullByCri(containerd, registry);
  if (!(await settings()).transfers) return undefined;
  const { pullByTransfer } = await import('./fetch/pull-by-transfer.ts');
  return pullByTransfer(containerd, registry);
}
