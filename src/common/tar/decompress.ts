import { pipeline, type Transform } from 'node:stream';
import { createGunzip, createZstdDecompress, zstdDecompressSync } from 'node:zlib';
import { ChunkSource } from './chunk-source.ts';
import { MOST_IN_FRAME, smallFrame } from './zstd-frame.ts';

/** Decompresses a gzip or zstd stream, told by its first bytes; other bytes pass as they are. */
export async function* unpacked(source: ChunkSource): AsyncGenerator<Buffer> {
  const magic = (await source.peek(4)).toString('hex');
  if (magic.startsWith('1f8b')) yield* through(source, createGunzip());
  else if (isZstd(magic)) yield* zstdFrames(source);
  else yield* source.rest();
}

/** Whether a zstd frame begins so: one with data, or one to be skipped (RFC 8878, section 3.1.2). */
function isZstd(magic: string): boolean {
  return magic === '28b52ffd' || /^5.2a4d18$/.test(magic);
}

/** In bytes: the largest frame that is decoded at once. */
const SMALL = 4096;

/** Decodes frame by frame: Node's decoder stops after the first, and zstd:chunked layers have thousands. */
async function* zstdFrames(source: ChunkSource): AsyncGenerator<Buffer> {
  for (;;) {
    const head = await source.peek(SMALL);
    if (head.length === 0) return;
    const magic = head.toString('hex', 0, 4);
    const length = magic === '28b52ffd' ? smallFrame(head) : undefined;
    if (length !== undefined) {
      // A decoder of its own would take ten times as long, and a layer can have a million such frames.
      const content = zstdDecompressSync(head.subarray(0, length), {
        maxOutputLength: MOST_IN_FRAME,
      });
      await source.skip(length);
      if (content.length > 0) yield content;
    } else if (magic === '28b52ffd') yield* through(source, createZstdDecompress());
    else if (isZstd(magic) && head.length >= 8) await source.skip(8 + head.readUInt32LE(4));
    else throw Object.assign(new Error('something else behind a frame'), { code: 'ZSTD_FRAME' });
  }
}

/** Decodes one compressed stream; the bytes behind it stay in the source. */
async function* through(
  source: ChunkSource,
  decoder: Transform & { readonly bytesWritten: number },
): AsyncGenerator<Buffer> {
  const before = source.taken;
  // The callback ignores the error because the iteration throws it as well.
  yield* pipeline(source.rest(), decoder, () => undefined);
  source.giveBack(source.taken - before - decoder.bytesWritten);
}

/** Whether `unpacked` threw this error because the stream is damaged or cut short. */
export function isDecompression(error: unknown): error is Error {
  if (!(error instanceof Error) || !('code' in error)) return false;
  return (
    /^(Z_|ZSTD_|ERR_ZSTD|ERR__?ERR|ERR_ZLIB)/.test(String(error.code)) ||
    ('errno' in error && !('syscall' in error))
  );
}
