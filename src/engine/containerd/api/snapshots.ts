import { Code } from '@connectrpc/connect';
import { isRefusal } from '../../grpc/failure.ts';
import { Kind, Snapshots } from '../../grpc/generated/containerd/services/snapshots_pb.ts';
import { oneRequest } from '../../grpc/requests.ts';
import type { Containerd } from './containerd.ts';
import { tooMuch } from './content.ts';

/** The most snapshots that are listed. */
const MAX_SNAPSHOTS = 1_000_000;

export interface Snapshot {
  /** Whether this is a finished layer. A container, or whoever unpacks a layer, writes into the others. */
  readonly committed: boolean;
  /** The name of the snapshot below; empty for the lowest. */
  readonly parent: string;
}

/** Every snapshot of the namespace and its snapshotter, by name. Unpacked layers are called by their chain. */
export async function listSnapshots({
  grpc,
  snapshotter,
  program,
}: Containerd): Promise<ReadonlyMap<string, Snapshot>> {
  const snapshots = new Map<string, Snapshot>();
  for await (const { info } of grpc.stream(Snapshots.method.list, oneRequest({ snapshotter }))) {
    for (const { name, parent, kind } of info) {
      snapshots.set(name, { committed: kind === Kind.COMMITTED, parent });
    }
    if (snapshots.size > MAX_SNAPSHOTS) {
      throw tooMuch(`${program.name}'s list of snapshots`, MAX_SNAPSHOTS, 'ctr snapshots ls');
    }
  }
  return snapshots;
}

/** The bytes on disk of one snapshot, without those below it; 0 if it is gone. */
export async function snapshotSize(
  { grpc, snapshotter }: Containerd,
  key: string,
): Promise<number> {
  try {
    return Number((await grpc.unary(Snapshots.method.usage, { snapshotter, key })).size);
  } catch (error) {
    if (isRefusal(error, Code.NotFound)) return 0;
    throw error;
  }
}

export async function snapshotExists(
  { grpc, snapshotter }: Containerd,
  key: string,
): Promise<boolean> {
  try {
    const { info } = await grpc.unary(Snapshots.method.stat, { snapshotter, key });
    return info?.kind === Kind.COMMITTED;
  } catch (error) {
    if (isRefusal(error, Code.NotFound)) return false;
    throw error;
  }
}
