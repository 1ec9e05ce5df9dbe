const BLOCK = 512;

/** What eleven octal digits can say, in bytes. */
const MAX_OCTAL = 8 ** 11;

/** What ends an archive. */
export const TAR_END = Buffer.alloc(2 * BLOCK);

/** A regular file of an archive, without owner and time; `content` must have as many bytes. */
export async function* tarFile(
  path: string,
  size: number,
  content: AsyncIterable<Buffer> | Iterable<Buffer>,
): AsyncGenerator<Buffer> {
  yield header(path, size);
  yield* content;
  yield Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
}

/** Of a regular file: POSIX.1-2024, pax, "ustar Interchange Format". */
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

/** A layer may have more than 8 GiB: then in binary, as GNU tar and all readers of today do. */
function writeSize(block: Buffer, size: number): void {
  if (size < MAX_OCTAL) {
    block.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
    return;
  }
  block[124] = 0x80;
  block.writeBigUInt64BE(BigInt(size), 128);
}
