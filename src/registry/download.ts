import { createHash, type Hash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Blob } from '../image/resolved.ts';
import type { Access } from './access.ts';
import { eachChunk, type Patience } from './body.ts';
import type { Exchange } from './exchange.ts';
import { connectionLost, failure } from './failure.ts';
import type { Place } from './place.ts';
import { discard } from './redirect.ts';
import { RegistryError } from './registry.ts';

/** Where the bytes go. */
export interface Target {
  readonly into: { write(chunk: Buffer): Promise<void> };
  readonly signal?: AbortSignal | undefined;
}

/**
 * Streams a blob, hashing as it passes, and ends at once when there is more than there should be.
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
  const expected = `the blob ${blob.digest}`;
  const path = `blobs/${blob.digest}`;
  const accept = '*/*';
  const { signal } = target;
  const response = await exchange.get({ place, access, path, accept, expected, signal });
  checkLength(place, blob, response);
  const hash = createHash('sha256');
  const { patience } = exchange;
  const length = await pass({ place, expected, blob, response, patience }, hash, target);
  if (length < blob.size) throw tooShort(place, blob, length);
  const digest = `sha256:${hash.digest('hex')}`;
  if (digest === blob.digest) return;
  throw failure('digest-mismatch', place, expected, `one that hashes to ${digest}`, {
    hint: 'try again; if it stays so, do not trust the registry, nor a proxy on the way',
  });
}

function checkLength(place: Place, blob: Blob, response: IncomingMessage): void {
  const length = Number(response.headers['content-length'] ?? blob.size);
  if (length === blob.size) return;
  discard(response);
  throw length < blob.size ? tooShort(place, blob, length) : tooLong(place, blob);
}

interface Passing {
  readonly place: Place;
  readonly expected: string;
  readonly blob: Blob;
  readonly response: IncomingMessage;
  readonly patience: Patience;
}

async function pass(
  { place, expected, blob, response, patience }: Passing,
  hash: Hash,
  { into, signal }: Target,
): Promise<number> {
  let length = 0;
  let isWriting = false;
  try {
    await eachChunk(response, patience, async (chunk) => {
      length += chunk.length;
      if (length > blob.size) throw tooLong(place, blob);
      isWriting = true;
      const written = into.write(chunk);
      // While the kernel writes.
      hash.update(chunk);
      await written;
      isWriting = false;
    });
  } catch (error) {
    signal?.throwIfAborted();
    if (isWriting || error instanceof RegistryError) throw error;
    throw connectionLost(place, expected, error);
  }
  return length;
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
