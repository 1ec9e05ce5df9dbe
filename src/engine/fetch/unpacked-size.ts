import type { Blob } from '../../image/resolved.ts';

/**
 * How many bytes on disk one compressed byte becomes. Measured in blocks on layers of Debian 13: 2.4 to 2.7
 * with gzip, 2.7 with zstd; 4 for source code and text.
 */
const UNPACKED = 3;

/** The same factor for an uncompressed layer: tar headers go, and files fill whole blocks. */
const UNPACKED_PLAIN = 1.15;

/** In bytes. Debian 13 has one file for every 49 kB; images of scripts have more files. */
export const BYTES_A_FILE = 32 * 1024;

/**
 * Roughly what a layer takes on disk, in bytes: no registry says how large a layer unpacks. A layer without a
 * type may be compressed.
 */
export function unpackedSize({ mediaType, size }: Blob): number {
  const isCompressed = /(^|[+.](gzip|zstd))$/.test(mediaType);
  return Math.ceil(size * (isCompressed ? UNPACKED : UNPACKED_PLAIN));
}

/** The sum of the largest numbers. */
export function largest(sizes: readonly number[], count: number): number {
  return sizes
    .toSorted((a, b) => b - a)
    .slice(0, count)
    .reduce((sum, size) => sum + size, 0);
}
