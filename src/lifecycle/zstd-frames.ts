import { pipeline } from 'node:stream';
import { createZstdDecompress, zstdDecompressSync } from 'node:zlib';
import { systemErrorCode } from '../errors.ts';
import { ByteReader } from '../root/byte-reader.ts';
import { TarError } from '../root/tar-entries.ts';

/**
 * A zstd stream of any number of frames (RFC 8878, section 3.1). Node's own decompressor ends with
 * the first and says nothing of the others; layers of zstd:chunked have a frame a file.
 *
 * @throws {TarError} for what is no frame.
 */
export async function* zstdDecompressed(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const reader = new ByteReader(bytes);
  try {
    for (;;) {
      const magic = await reader.read(4);
      if (magic.length === 0) return;
      if (magic.length < 4) throw cut();
      const number = magic.readUInt32LE(0);
      if (number === MAGIC) {
        yield* content(frame(magic, reader));
      } else if (number >>> 4 === SKIPPABLE >>> 4) {
        if (!(await reader.skip((await exactly(reader, 4)).readUInt32LE(0)))) throw cut();
      } else throw new TarError('bytes that are no zstd frame');
    }
  } finally {
    await reader.end();
  }
}

const MAGIC = 0xfd2fb528;
const SKIPPABLE = 0x184d2a50;
const RLE = 1;

/** A small frame at once: a stream for each takes longer than all else. */
async function* content(frame: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  let next = await frame.next();
  for (; next.done !== true && size < smallFrame; next = await frame.next()) {
    parts.push(next.value);
    size += next.value.length;
  }
  const whole = next.done === true ? smallContent(Buffer.concat(parts)) : undefined;
  if (whole !== undefined) {
    yield whole;
    return;
  }
  const rest = async function* () {
    yield* parts;
    if (next.done !== true) yield next.value;
    yield* frame;
  };
  yield* pipeline(rest(), createZstdDecompress(), () => undefined);
}

const smallFrame = 64 * 1024;
const smallContentBytes = 2 * 1024 * 1024;

/** @returns undefined if it is not small. */
function smallContent(frame: Buffer): Buffer | undefined {
  try {
    return zstdDecompressSync(frame, { maxOutputLength: smallContentBytes });
  } catch (error) {
    if (systemErrorCode(error) === 'ERR_BUFFER_TOO_LARGE') return undefined;
    throw error;
  }
}

/** The bytes of one frame, to its end and no further. */
async function* frame(magic: Buffer, reader: ByteReader): AsyncGenerator<Buffer> {
  const descriptor = await exactly(reader, 1);
  const flags = descriptor[0] ?? 0;
  const isSingleSegment = (flags & 0x20) !== 0;
  const contentSize = [isSingleSegment ? 1 : 0, 2, 4, 8][flags >> 6] ?? 0;
  const dictionary = [0, 1, 2, 4][flags & 3] ?? 0;
  const window = isSingleSegment ? 0 : 1;
  yield Buffer.concat([
    magic,
    descriptor,
    await exactly(reader, window + dictionary + contentSize),
  ]);
  for (let isLast = false; !isLast; ) {
    const header = await exactly(reader, 3);
    const value = header.readUIntLE(0, 3);
    isLast = (value & 1) === 1;
    const size = ((value >> 1) & 3) === RLE ? 1 : value >> 3;
    yield Buffer.concat([header, await exactly(reader, size)]);
  }
  if ((flags & 4) !== 0) yield await exactly(reader, 4);
}

async function exactly(reader: ByteReader, length: number): Promise<Buffer> {
  const read = await reader.read(length);
  if (read.length < length) throw cut();
  return read;
}

function cut(): TarError {
  return new TarError('the zstd stream ends in the middle of a frame');
}
