import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { systemErrorCode } from '../errors.ts';
import type { Blob } from '../image/resolved.ts';
import { imageFailure } from './image-failure.ts';
import { zstdDecompressed } from './zstd-frames.ts';

/** All layers of an image together, decompressed. */
const maxBytes = 64 * 2 ** 30;

/** What is left of that. */
export interface Budget {
  left: number;
}

export function budget(): Budget {
  return { left: maxBytes };
}

/** The blob as it passes, and an error at its end if it was another one. */
export async function* verified(blob: Blob, bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of bytes) {
    hash.update(chunk);
    size += chunk.length;
    if (size > blob.size)
      throw imageFailure(`the layer ${blob.digest} has more than its ${blob.size} bytes`);
    yield chunk;
  }
  const digest = `sha256:${hash.digest('hex')}`;
  if (digest === blob.digest) return;
  throw imageFailure(`expected the layer ${blob.digest}, found bytes that hash to ${digest}`);
}

/** The archive in a layer: by its first bytes, as media types of old tools say less than those. */
export async function* decompressed(
  { digest }: Blob,
  bytes: AsyncIterable<Buffer>,
  budget: Budget,
): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of await unpacked(bytes)) {
      budget.left -= chunk.length;
      if (budget.left < 0)
        throw imageFailure(
          `the image has more than ${maxBytes} bytes, found in the layer ${digest}`,
        );
      yield chunk;
    }
  } catch (error) {
    if (!isDecompression(error)) throw error;
    throw imageFailure(
      `expected a whole gzip or zstd stream in the layer ${digest}, found ${error.message}`,
      error,
    );
  }
}

async function unpacked(bytes: AsyncIterable<Buffer>): Promise<AsyncIterable<Buffer>> {
  const chunks = bytes[Symbol.asyncIterator]();
  let head: Buffer = Buffer.alloc(0);
  while (head.length < 4) {
    const next = await chunks.next();
    if (next.done === true) break;
    head = Buffer.concat([head, next.value]);
  }
  const whole = following(head, chunks);
  const magic = head.toString('hex', 0, 4);
  if (magic.startsWith('1f8b')) return pipeline(whole, createGunzip(), () => undefined);
  // Layers of zstd:chunked begin with a frame to skip at times (RFC 8878, 3.1.2).
  if (magic === '28b52ffd' || /^5.2a4d18$/.test(magic)) return zstdDecompressed(whole);
  return whole;
}

async function* following(head: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  try {
    if (head.length > 0) yield head;
    for (let next = await rest.next(); next.done !== true; next = await rest.next())
      yield next.value;
  } finally {
    await rest.return?.();
  }
}

/** Node's own errors of zlib and zstd. */
function isDecompression(error: unknown): error is Error {
  return systemErrorCode(error)?.startsWith('Z') === true;
}
