import type { IncomingMessage } from 'node:http';
import type { Blob } from '../image/resolved.ts';
import type { Access } from './access.ts';
import type { BlobProgress } from './blob-progress.ts';
import type { Endpoint } from './endpoint.ts';
import { RegistryError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import { connectionLost, failure, printable } from './failure.ts';
import { eachChunk, Stalled, type Timeouts } from './http/body.ts';
import { discard } from './redirect.ts';
import { type BlobTarget } from './registry.ts';

/** Where the bytes of a blob go. */
export interface Target {
  readonly into: BlobTarget;
  /** The part of the blob that `into` already has. */
  readonly progress: BlobProgress;
  /** Whether another endpoint can take over if this one is slow. */
  readonly mayLeave?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Streams the missing bytes of a blob, hashing them on the way, and stops at once when there are too many.
 * If the digest of the whole is wrong, the endpoint that sent the beginning may be at fault: the blob is
 * then downloaded whole from this endpoint, which is to blame only if that fails too.
 *
 * Source: distribution-spec, "Pulling blobs", and RFC 9110, section 14.
 *
 * @throws {RegistryError}, what `into` throws, or the signal's reason.
 */
export async function downloadBlob(
  exchange: Exchange,
  endpoint: Endpoint,
  access: Access,
  blob: Blob,
  target: Target,
): Promise<void> {
  const { into, progress, signal } = target;
  const expected = `the blob ${blob.digest}`;
  const isWhole = progress.length === 0;
  if (progress.length < blob.size) {
    const path = `blobs/${blob.digest}`;
    const part = progress.length === 0 ? {} : { from: progress.length };
    const asked = { endpoint, access, path, accept: '*/*', expected, signal, ...part };
    const response = await exchange.get(asked);
    const start = checkRange(endpoint, blob, response, progress.length);
    checkLength(endpoint, blob, response, start);
    const { timeouts } = exchange;
    await pass({ endpoint, expected, blob, response, start, timeouts }, target);
    if (progress.length < blob.size) throw tooShort(endpoint, blob, progress.length);
  }
  const digest = progress.digest();
  if (digest === blob.digest) return;
  if (into.restart !== undefined) {
    await into.restart();
    progress.restart();
    if (!isWhole) return downloadBlob(exchange, endpoint, access, blob, target);
  }
  throw failure('digest-mismatch', endpoint, expected, `one that hashes to ${digest}`, {
    hint: 'try again; if this persists, do not trust the registry, or a proxy on the way',
  });
}

/** The byte of the blob at which the body begins. A registry that was asked for a part may send the whole. */
function checkRange(
  endpoint: Endpoint,
  blob: Blob,
  response: IncomingMessage,
  wanted: number,
): number {
  if (response.statusCode !== 206) return 0;
  const range = response.headers['content-range'] ?? '';
  if (range.startsWith(`bytes ${wanted}-`)) return wanted;
  discard(response);
  const found = JSON.stringify(printable(range));
  throw failure('bad-reply', endpoint, `the blob ${blob.digest} from byte ${wanted} on`, found, {
    hint: 'tell those who run the registry: it does not send what was requested',
  });
}

function checkLength(
  endpoint: Endpoint,
  blob: Blob,
  response: IncomingMessage,
  start: number,
): void {
  const length = start + Number(response.headers['content-length'] ?? blob.size - start);
  if (length === blob.size) return;
  discard(response);
  throw length < blob.size ? tooShort(endpoint, blob, length) : tooLong(endpoint, blob);
}

interface Passing {
  readonly endpoint: Endpoint;
  readonly expected: string;
  readonly blob: Blob;
  readonly response: IncomingMessage;
  /** The byte of the blob at which the response begins. */
  readonly start: number;
  readonly timeouts: Timeouts;
}

async function pass(
  { endpoint, expected, blob, response, start, timeouts }: Passing,
  { into, progress, signal, mayLeave = false }: Target,
): Promise<void> {
  const bounds = mayLeave ? { ...timeouts, least: timeouts.mirror } : timeouts;
  let at = start;
  let isWriting = false;
  try {
    await eachChunk(response, bounds, async (chunk) => {
      await into.received?.(chunk.length);
      // A registry that can't send parts sends the present bytes again.
      const fresh = chunk.subarray(Math.min(chunk.length, progress.length - at));
      at += chunk.length;
      if (at > blob.size) throw tooLong(endpoint, blob);
      if (fresh.length === 0) return;
      isWriting = true;
      const written = into.write(fresh);
      // The hash is computed while the kernel writes.
      progress.add(fresh);
      await written;
      isWriting = false;
    });
  } catch (error) {
    signal?.throwIfAborted();
    if (isWriting || error instanceof RegistryError) throw error;
    if (mayLeave && error instanceof Stalled && isAlive(error, timeouts)) {
      throw tooSlow(endpoint, expected, error);
    }
    throw connectionLost(endpoint, expected, error);
  }
}

/** Whether the endpoint was fast enough to be waited for if it were the only one. */
function isAlive({ bytes }: Stalled, { least, mirror }: Timeouts): boolean {
  return bytes / mirror.within >= least.bytes / least.within;
}

function tooSlow(endpoint: Endpoint, expected: string, cause: Stalled): RegistryError {
  return failure('too-slow', endpoint, expected, cause.message, {
    hint: 'find out what slows this mirror down, or remove it from registries.conf',
    cause,
  });
}

function tooShort(endpoint: Endpoint, { digest, size }: Blob, length: number): RegistryError {
  return failure('short-body', endpoint, `${size} bytes of the blob ${digest}`, `${length}`, {
    hint: 'try again; if this persists, the registry or a proxy on the way has lost a part of it',
  });
}

function tooLong(endpoint: Endpoint, { digest, size }: Blob): RegistryError {
  return failure('bad-reply', endpoint, `${size} bytes of the blob ${digest}`, 'more', {
    hint: 'do not trust this registry, or a proxy on the way: it sends other content',
  });
}
