import type { IncomingMessage } from 'node:http';
import type { Blob } from '../image/resolved.ts';
import type { Access } from './access.ts';
import type { BlobProgress } from './blob-progress.ts';
import type { Place } from './endpoint.ts';
import { RegistryError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import { connectionLost, failure, printable } from './failure.ts';
import { eachChunk, type Patience, Stalled } from './http/body.ts';
import { discard } from './redirect.ts';
import { type BlobTarget } from './registry.ts';

/** Where the bytes go. */
export interface Target {
  readonly into: BlobTarget;
  /** What is there already. */
  readonly progress: BlobProgress;
  /** Whether another place can go on if this one is slow. */
  readonly mayLeave?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Streams what is missing of a blob, hashing as it passes, and ends at once when there is more than
 * there should be. If the whole is not the blob, where it began may be at fault: then all of it comes
 * from here, and only what is wrong then is this place's.
 *
 * Source: distribution-spec, "Pulling blobs", and RFC 9110, section 14.
 *
 * @throws {RegistryError}, what `into` throws, or the signal's reason.
 */
export async function downloadBlob(
  exchange: Exchange,
  place: Place,
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
    const asked = { place, access, path, accept: '*/*', expected, signal, ...part };
    const response = await exchange.get(asked);
    const start = checkRange(place, blob, response, progress.length);
    checkLength(place, blob, response, start);
    const { patience } = exchange;
    await pass({ place, expected, blob, response, start, patience }, target);
    if (progress.length < blob.size) throw tooShort(place, blob, progress.length);
  }
  const digest = progress.digest();
  if (digest === blob.digest) return;
  if (into.restart !== undefined) {
    await into.restart();
    progress.restart();
    if (!isWhole) return downloadBlob(exchange, place, access, blob, target);
  }
  throw failure('digest-mismatch', place, expected, `one that hashes to ${digest}`, {
    hint: 'try again; if it stays so, do not trust the registry, nor a proxy on the way',
  });
}

/**
 * At which byte of the blob the body begins. A registry may send the whole where a part was
 * asked for.
 */
function checkRange(place: Place, blob: Blob, response: IncomingMessage, wanted: number): number {
  if (response.statusCode !== 206) return 0;
  const range = response.headers['content-range'] ?? '';
  if (range.startsWith(`bytes ${wanted}-`)) return wanted;
  discard(response);
  const found = JSON.stringify(printable(range));
  throw failure('bad-reply', place, `the blob ${blob.digest} from byte ${wanted} on`, found, {
    hint: 'tell those who run the registry: it does not send what it is asked for',
  });
}

function checkLength(place: Place, blob: Blob, response: IncomingMessage, start: number): void {
  const length = start + Number(response.headers['content-length'] ?? blob.size - start);
  if (length === blob.size) return;
  discard(response);
  throw length < blob.size ? tooShort(place, blob, length) : tooLong(place, blob);
}

interface Passing {
  readonly place: Place;
  readonly expected: string;
  readonly blob: Blob;
  readonly response: IncomingMessage;
  /** At which byte of the blob it begins. */
  readonly start: number;
  readonly patience: Patience;
}

async function pass(
  { place, expected, blob, response, start, patience }: Passing,
  { into, progress, signal, mayLeave = false }: Target,
): Promise<void> {
  const bounds = mayLeave ? { ...patience, least: patience.mirror } : patience;
  let at = start;
  let isWriting = false;
  try {
    await eachChunk(response, bounds, async (chunk) => {
      await into.received?.(chunk.length);
      // What was there before the connection broke comes again from a registry that knows no parts.
      const fresh = chunk.subarray(Math.min(chunk.length, progress.length - at));
      at += chunk.length;
      if (at > blob.size) throw tooLong(place, blob);
      if (fresh.length === 0) return;
      isWriting = true;
      const written = into.write(fresh);
      // While the kernel writes.
      progress.add(fresh);
      await written;
      isWriting = false;
    });
  } catch (error) {
    signal?.throwIfAborted();
    if (isWriting || error instanceof RegistryError) throw error;
    if (mayLeave && error instanceof Stalled && isAlive(error, patience)) {
      throw tooSlow(place, expected, error);
    }
    throw connectionLost(place, expected, error);
  }
}

/** Whether it would have been waited for where there is no other place. */
function isAlive({ bytes }: Stalled, { least, mirror }: Patience): boolean {
  return bytes / mirror.within >= least.bytes / least.within;
}

function tooSlow(place: Place, expected: string, cause: Stalled): RegistryError {
  return failure('too-slow', place, expected, cause.message, {
    hint: 'look what holds this mirror up, or take it out of registries.conf',
    cause,
  });
}

function tooShort(place: Place, { digest, size }: Blob, length: number): RegistryError {
  return failure('short-body', place, `${size} bytes of the blob ${digest}`, `${length}`, {
    hint: 'try again; if it stays so, the registry or a proxy on the way has lost a part of it',
  });
}

function tooLong(place: Place, { digest, size }: Blob): RegistryError {
  return failure('bad-reply', place, `${size} bytes of the blob ${digest}`, 'more', {
    hint: 'do not trust this registry, nor a proxy on the way: it sends something else',
  });
}
