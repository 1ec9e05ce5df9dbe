import { closeSync, readSync } from 'node:fs';
import { ChunkSource } from '../../common/tar/chunk-source.ts';
import { isDecompression, unpacked } from '../../common/tar/decompress.ts';
import type { Root, View } from '../../root/root.ts';
import { damaged, reading } from '../failure.ts';
import { ARCHIVE, type Place } from './archive.ts';

/** In bytes, read at a time. */
export const CHUNK_BYTES = 256 * 1024;

/**
 * How many times longer compressed bytes may become. Layers seldom shrink to less than a tenth; more than a
 * hundredth is taken for a bomb.
 */
const MAX_GROWTH = 100;

/** In bytes: content up to this length is no bomb, however few bytes it came from: a layer of zeros. */
const MIN_GROWTH_BYTES = 64 * 1024 * 1024;

/** How many bytes so many compressed ones may become, or all of several files together. */
export function mostBytes(compressed: number): number {
  return compressed * MAX_GROWTH + MIN_GROWTH_BYTES;
}

/** The bytes of an open file, some of which can be passed over without being read. */
export interface FileBytes extends AsyncIterable<Buffer> {
  /** Passes over the next bytes, perhaps beyond the end of the file. */
  skip(bytes: number): void;
}

/** Reads an open file from a place in it to another; the caller closes the file. */
export function fileBytes(fd: number, start: number, end: number): FileBytes {
  let position = start;
  async function* chunks() {
    while (position < end) {
      const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, end - position));
      const length = readSync(fd, chunk, 0, chunk.length, position);
      if (length === 0) return;
      position += length;
      yield chunk.subarray(0, length);
    }
  }
  return {
    [Symbol.asyncIterator]: chunks,
    skip: (bytes) => {
      position += bytes;
    },
  };
}

/**
 * The bytes of a blob, fewer if the file is shorter. To find a blob in a compressed archive, everything
 * before the blob is decompressed.
 *
 * @throws {LayoutError}
 */
export async function* bytesAt(root: Root, view: View, place: Place): AsyncGenerator<Buffer> {
  const { path, start, size, isPacked, isPackedLayer } = place;
  const file = reading(ARCHIVE, path, () => root.as(view).openFile(path));
  if (file === undefined) return;
  try {
    const stored = isPacked
      ? part(
          decompressed(path, fileBytes(file.fd, 0, file.size), mostBytes(file.size)),
          start,
          size,
        )
      : fileBytes(file.fd, start, start + size);
    yield* isPackedLayer ? decompressed(path, stored, mostBytes(size)) : stored;
  } finally {
    closeSync(file.fd);
  }
}

/**
 * Decompressed bytes of a file.
 *
 * @param most bytes that they may become.
 * @throws {LayoutError} if they are damaged or a bomb.
 */
export async function* decompressed(
  path: string,
  bytes: AsyncIterable<Buffer>,
  most: number,
): AsyncGenerator<Buffer> {
  let left = most;
  try {
    for await (const chunk of unpacked(new ChunkSource(bytes))) {
      left -= chunk.length;
      if (left < 0) throw damaged(ARCHIVE, path, `at most ${most} bytes, decompressed`, 'more');
      yield chunk;
    }
  } catch (error) {
    if (!isDecompression(error)) throw error;
    throw damaged(ARCHIVE, path, 'whole compressed bytes', error.message, error);
  }
}

/** A part of a longer stream. */
async function* part(
  bytes: AsyncIterable<Buffer>,
  start: number,
  size: number,
): AsyncGenerator<Buffer> {
  let before = start;
  let left = size;
  for await (const chunk of bytes) {
    const own = chunk.subarray(before, before + left);
    before = Math.max(0, before - chunk.length);
    left -= own.length;
    if (own.length > 0) yield own;
    if (left === 0) return;
  }
}
