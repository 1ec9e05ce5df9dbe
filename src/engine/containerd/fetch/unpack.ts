import { randomBytes } from 'node:crypto';
import { Code } from '@connectrpc/connect';
import { chainOf } from '../../../image/chain.ts';
import { type Blob, sizeOf } from '../../../image/resolved.ts';
import { EngineError } from '../../errors.ts';
import type { FetchWatch } from '../../fetch-watch.ts';
import { isRefusal } from '../../grpc/failure.ts';
import { Diff } from '../../grpc/generated/containerd/services/diff_pb.ts';
import { Snapshots } from '../../grpc/generated/containerd/services/snapshots_pb.ts';
import type { Call } from '../../grpc/transport.ts';
import type { Containerd } from '../api/containerd.ts';
import { labelContent } from '../api/content.ts';
import { snapshotExists } from '../api/snapshots.ts';

/** In milliseconds: the time limit for unpacking one layer. */
const UNPACKED_IN = 60 * 60_000;

/**
 * Unpacks the layers of an image, as containerd's own client does (`rootfs.ApplyLayers`): each layer into a
 * snapshot that is named by the chain ID of the layers up to this one.
 *
 * @param layers from the base up, with one of `diffIds` each.
 */
export async function unpackLayers(
  containerd: Containerd,
  config: string,
  layers: readonly Blob[],
  diffIds: readonly string[],
  call: Call,
  onUnpacked?: FetchWatch['onUnpacked'],
): Promise<void> {
  const chain = chainOf(diffIds);
  const top = chain.at(-1);
  if (top === undefined) return;
  for (const [index, layer] of layers.entries()) {
    const name = chain[index] ?? '';
    if (!(await snapshotExists(containerd, name))) {
      const parent = chain[index - 1] ?? '';
      await unpackLayer(containerd, layer, diffIds[index] ?? '', parent, name, call);
    }
    onUnpacked?.({ bytes: sizeOf(layers.slice(0, index + 1)), total: sizeOf(layers) });
  }
  // From now on the config protects the snapshot, and so all snapshots below, from being collected.
  await labelContent(containerd, config, {
    [`containerd.io/gc.ref.snapshot.${containerd.snapshotter}`]: top,
  });
}

async function unpackLayer(
  containerd: Containerd,
  { mediaType, digest, size }: Blob,
  diffId: string,
  parent: string,
  name: string,
  call: Call,
): Promise<void> {
  const { grpc, snapshotter, program } = containerd;
  const key = `extract-${randomBytes(8).toString('hex')} ${name}`;
  // Remote snapshotters, which fetch layers by themselves, read this label.
  const labels = { 'containerd.io/snapshot.ref': name };
  const long = { ...call, timeout: UNPACKED_IN };
  try {
    const { mounts } = await grpc.unary(
      Snapshots.method.prepare,
      { snapshotter, key, parent, labels },
      call,
    );
    const diff = { mediaType, digest, size: BigInt(size) };
    const { applied } = await grpc.unary(Diff.method.apply, { diff, mounts }, long);
    if (applied?.digest !== diffId) {
      throw wrongLayer(program.name, digest, diffId, applied?.digest ?? 'nothing');
    }
    await grpc.unary(Snapshots.method.commit, { snapshotter, key, name, labels }, call);
  } catch (error) {
    await grpc.unary(Snapshots.method.remove, { snapshotter, key }).catch(() => undefined);
    // Somebody else has unpacked the layer meanwhile.
    if (!isRefusal(error, Code.AlreadyExists)) throw error;
  }
  await labelContent(containerd, digest, { 'containerd.io/uncompressed': diffId });
}

function wrongLayer(program: string, digest: string, expected: string, found: string): EngineError {
  return new EngineError(
    'engine-failed',
    `${program} unpacked the layer ${digest} to ${found}, expected ${expected}`,
    { hint: 'the image is built wrongly: build and push it again' },
  );
}
