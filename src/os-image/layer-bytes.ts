import { createHash } from 'node:crypto';
import { ChunkSource } from '../common/tar/chunk-source.ts';
import { isDecompression, unpacked } from '../common/tar/decompress.ts';
import type { Blob } from '../image/resolved.ts';
import { imageFailure } from './failure.ts';

/** In bytes, of all layers of an image together, decompressed. */
const MAX_BYTES = 64 * 2 ** 30;

/** How many decompressed bytes an image may have, and how many of them are left. */
export interface Budget {
  readonly bytes: number;
  left: number;
}

export function budget(bytes: number = MAX_BYTES): Budget {
  return { bytes, left: bytes };
}

/** Passes the bytes of a blob on, followed by an error if they don't match its digest. */
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

/**
 * The archive in a layer. The first bytes tell the compression, because media types of old tools do not.
 * The blob is read to its end even if the archive ends earlier, so that its digest is checked.
 */
export async function* decompressed(
  { digest }: Blob,
  bytes: AsyncIterable<Buffer>,
  budget: Budget,
): AsyncGenerator<Buffer> {
  const source = new ChunkSource(bytes);
  let total = 0;
  try {
    for await (const chunk of unpacked(source)) {
      total += chunk.length;
      budget.left -= chunk.length;
      if (budget.left < 0)
        throw imageFailure(
          `the image has more than ${budget.bytes} bytes, found in the layer ${digest}`,
        );
      yield chunk;
    }
    while ((await source.next()) !== undefined);
    if (total === 0)
      throw imageFailure(`expected an archive in the layer ${digest}, found nothing`);
  } catch (error) {
    if (!isDecompression(error)) throw error;
    throw imageFailure(
      `expected a whole gzip or zstd stream in the layer ${digest}, found ${error.message}`,
      error,
    );
  } finally {
    await source.close();
  }
}
