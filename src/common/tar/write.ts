const BLOCK = 512;

/** In bytes: the first size that eleven octal digits can't express. */
const MAX_OCTAL = 8 ** 11;

/** The two empty blocks at the end of an archive. */
export const TAR_END = Buffer.alloc(2 * BLOCK);

/** A regular file of an archive, without owner and time; `content` must have `size` bytes. */
export async function* tarFile(
  path: string,
  size: number,
  content: AsyncIterable<Buffer> | Iterable<Buffer>,
): AsyncGenerator<Buffer> {
  yield header(path, size);
  yield* content;
  yield Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
}

/** The header of a regular file: POSIX.1-2024, pax, "ustar Interchange Format". */
function header(path: string, size: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  block.write(path, 0, 100);
  block.write('0000644\0', 100);
  block.write('0000000\0', 108);
  block.write('0000000\0', 116);
  writeSize(block, size);
  block.write('00000000000\0', 136);
  block.write('        0', 148);
  block.write('ustar\x0000', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

/** A size above 8 GiB is written in binary, as GNU tar does and all readers of today understand. */
function writeSize(block: Buffer, size: number): void {
  if (size < MAX_OCTAL) {
    block.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
    return;
  }
  block[124] = 0x80;
  block.writeBigUInt64BE(BigInt(size), 128);
}
