import { createHash } from 'node:crypto';
import { pipeline, type Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import type { Blob } from '../image/resolved.ts';
import { ChunkSource } from './chunk-source.ts';
import { imageFailure } from './image-failure.ts';

/** All layers of an image together, decompressed. */
const maxBytes = 64 * 2 ** 30;

/** What is left of that. */
export interface Budget {
  readonly bytes: number;
  left: number;
}

export function budget(bytes: number = maxBytes): Budget {
  return { bytes, left: bytes };
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

/**
 * The archive in a layer: by its first bytes, as media types of old tools say less than those. The
 * blob is read to its end whatever its archive says, so that its digest is checked.
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

/** What a gzip or zstd stream holds, or the bytes as they are. */
export async function* unpacked(source: ChunkSource): AsyncGenerator<Buffer> {
  const magic = (await source.peek(4)).toString('hex');
  if (magic.startsWith('1f8b')) yield* through(source, createGunzip());
  else if (isZstd(magic)) yield* zstdFrames(source);
  else yield* source.rest();
}

/** Frames of data, and those that are to be skipped (RFC 8878, section 3.1.2). */
function isZstd(magic: string): boolean {
  return magic === '28b52ffd' || /^5.2a4d18$/.test(magic);
}

/** Node's decoder ends with the first frame; zstd:chunked layers have thousands. */
async function* zstdFrames(source: ChunkSource): AsyncGenerator<Buffer> {
  for (;;) {
    const head = await source.peek(8);
    if (head.length === 0) return;
    const magic = head.toString('hex', 0, 4);
    if (magic === '28b52ffd') yield* through(source, createZstdDecompress());
    else if (isZstd(magic) && head.length === 8) await source.skip(8 + head.readUInt32LE(4));
    else throw Object.assign(new Error('something else behind a frame'), { code: 'ZSTD_FRAME' });
  }
}

/** One compressed stream; what follows it stays in the source. */
async function* through(
  source: ChunkSource,
  decoder: Transform & { readonly bytesWritten: number },
): AsyncGenerator<Buffer> {
  const before = source.taken;
  // What goes wrong comes out of the iteration as well.
  yield* pipeline(source.rest(), decoder, () => undefined);
  source.giveBack(source.taken - before - decoder.bytesWritten);
}

/** Whether `unpacked` threw it because the stream is none, or not whole. */
export function isDecompression(error: unknown): error is Error {
  if (!(error instanceof Error) || !('code' in error)) return false;
  return (
    /^(Z_|ZSTD_|ERR_ZSTD|ERR__?ERR|ERR_ZLIB)/.test(String(error.code)) ||
    ('errno' in error && !('syscall' in error))
  );
}
