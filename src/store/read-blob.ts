import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { Blob } from '../image/resolved.ts';
import { damaged, storeFailure } from './failure.ts';
import { blobPath, type Layout } from './layout.ts';

const CHUNK_BYTES = 256 * 1024;

/**
 * The bytes of a stored blob. If they don't match the digest, an error follows the last of them, and the
 * blob is removed so that the next try fetches it again.
 *
 * @throws {EngineError} `store-damaged`
 */
export async function* readBlob(
  layout: Layout,
  { digest, size }: Blob,
): AsyncGenerator<Buffer, void> {
  const path = blobPath(layout, digest);
  const hash = createHash('sha256');
  let bytes = 0;
  const stream = createReadStream(path, { highWaterMark: CHUNK_BYTES });
  stream.once('error', () => undefined);
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      hash.update(chunk);
      bytes += chunk.length;
      if (bytes > size) break;
      yield chunk;
    }
  } catch (error) {
    throw storeFailure(path, error);
  }
  const found = `sha256:${hash.digest('hex')}`;
  if (bytes === size && found === digest) return;
  await rm(path, { force: true });
  throw damaged(
    path,
    `has ${bytes} bytes that hash to ${found}, expected ${size} of ${digest}`,
    'it was removed; run the same command again, which fetches it again',
  );
}
