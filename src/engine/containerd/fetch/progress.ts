import { setTimeout } from 'node:timers/promises';
import { Code } from '@connectrpc/connect';
import type { ResolvedImage } from '../../../image/resolved.ts';
import { distinctBlobs } from '../../../image/resolved.ts';
import { PullSilence } from '../../fetch/pull-silence.ts';
import type { FetchWatch } from '../../fetch-watch.ts';
import { isRefusal } from '../../grpc/failure.ts';
import { Content } from '../../grpc/generated/containerd/services/content_pb.ts';
import type { Containerd } from '../api/containerd.ts';

/** In milliseconds, between two looks at what has arrived. */
const PAUSE = 500;

/**
 * Runs a pull by containerd, and reports meanwhile how much of the image has arrived. Only the CRI notices by itself
 * that a registry sends nothing any more.
 *
 * @param name the image's repository and digest.
 * @param pull ends with its signal.
 * @throws {RegistryError} `connection-lost` if nothing arrives for too long.
 */
export async function withProgress(
  containerd: Containerd,
  name: string,
  image: ResolvedImage,
  { signal, onBytes }: FetchWatch,
  pull: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const silence = new PullSilence('containerd', name, image);
  const ended = new AbortController();
  let most = 0;
  const told = (bytes: number) => {
    if (bytes > most) silence.broken();
    most = Math.max(most, bytes);
    onBytes?.(most);
  };
  const telling = tell(containerd, image, told, ended.signal);
  try {
    await pull(AbortSignal.any([silence.signal, ...(signal === undefined ? [] : [signal])]));
  } finally {
    silence.end();
    ended.abort();
    await telling;
  }
}

async function tell(
  containerd: Containerd,
  image: ResolvedImage,
  told: (bytes: number) => void,
  signal: AbortSignal,
): Promise<void> {
  try {
    for (;;) {
      await setTimeout(PAUSE, undefined, { signal });
      told(await arrived(containerd, image, signal));
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
