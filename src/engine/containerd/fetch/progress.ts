import { setTimeout } from 'node:timers/promises';
import { Code } from '@connectrpc/connect';
import type { ResolvedImage } from '../../../image/resolved.ts';
import { distinctBlobs } from '../../../image/resolved.ts';
import type { FetchWatch } from '../../fetch-watch.ts';
import { isRefusal } from '../../grpc/failure.ts';
import { Content } from '../../grpc/generated/containerd/services/content_pb.ts';
import type { Containerd } from '../api/containerd.ts';

/** In milliseconds, between two reports. */
const PAUSE = 500;

/** Runs a pull by containerd, and reports meanwhile how much of the image has arrived. */
export async function withProgress(
  containerd: Containerd,
  image: ResolvedImage,
  { onBytes }: FetchWatch,
  pull: () => Promise<void>,
): Promise<void> {
  if (onBytes === undefined) return pull();
  const ended = new AbortController();
  const telling = tell(containerd, image, onBytes, ended.signal);
  try {
    await pull();
  } finally {
    ended.abort();
    await telling;
  }
}

async function tell(
  containerd: Containerd,
  image: ResolvedImage,
  onBytes: (bytes: number) => void,
  signal: AbortSignal,
): Promise<void> {
  let most = 0;
  try {
    for (;;) {
      await setTimeout(PAUSE, undefined, { signal });
      most = Math.max(most, await arrived(containerd, image, signal));
      onBytes(most);
    }
  } catch {
    // The pull has ended, or will say what is wrong.
  }
}

/** The bytes of the image's blobs that have arrived so far. */
async function arrived(
  { grpc }: Containerd,
  image: ResolvedImage,
  signal: AbortSignal,
): Promise<number> {
  const { statuses } = await grpc.unary(Content.method.listStatuses, {}, { signal });
  const coming = new Map(statuses.map(({ ref, offset }) => [ref.replace(/^\w+-/, ''), offset]));
  const sizes = distinctBlobs(image.blobs).map(async ({ digest, size }) => {
    const offset = coming.get(digest);
    if (offset !== undefined) return Math.min(Number(offset), size);
    try {
      await grpc.unary(Content.method.info, { digest }, { signal });
      return size;
    } catch (error) {
      if (isRefusal(error, Code.NotFound)) return 0;
      throw error;
    }
  });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
