/** A member as a hostile or an honest tool writes it. */
export interface Member {
  readonly path: string;
  /** The type flag; `0` is a regular file. */
  readonly type?: string;
  readonly content?: string | Buffer;
  readonly target?: string;
  /** What the header says; by default what the content has. */
  readonly size?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mode?: number;
}

const BLOCK = 512;

/** An archive: POSIX.1-2017 pax, "ustar Interchange Format"; long names by GNU's own members. */
export function tar(members: readonly Member[]): Buffer {
  return Buffer.concat([...members.flatMap(packed), Buffer.alloc(2 * BLOCK)]);
}

function packed(member: Member): Buffer[] {
  const { path, target = '' } = member;
  return [
    ...(Buffer.byteLength(path) > 100 ? blocks({ path: '', type: 'L', content: `${path}\0` }) : []),
    ...(Buffer.byteLength(target) > 100
      ? blocks({ path: '', type: 'K', content: `${target}\0` })
      : []),
    ...blocks(member),
  ];
}

function blocks(member: Member): Buffer[] {
  const { path, type = '0', content = '', target = '', size } = member;
  const { uid = 0, gid = 0, mode = 0o755 } = member;
  const body = Buffer.from(content);
  const block = Buffer.alloc(BLOCK);
  block.write(Buffer.from(path).subarray(0, 100).toString('latin1'), 0, 'latin1');
  for (const [at, number] of [mode, uid, gid].entries()) {
    block.write(`${number.toString(8).padStart(7, '0')}\0`, 100 + 8 * at);
  }
  block.write(`${(size ?? body.length).toString(8).padStart(11, '0')}\0`, 124);
  block.write(type, 156);
  block.write(Buffer.from(target).subarray(0, 100).toString('latin1'), 157, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  block.write('        ', 148);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return [block, body, Buffer.alloc(-body.length & (BLOCK - 1))];
}

/** The record of a pax extended header; `x` is its type. */
export function paxRecord(keyword: string, value: string): string {
  const rest = Buffer.byteLength(` ${keyword}=${value}\n`);
  let length = rest + String(rest).length;
  if (String(length).length > String(rest).length) length = rest + String(length).length;
  return `${length} ${keyword}=${value}\n`;
}

/** The bytes as a stream gives them. */
export async function* chunksOf(bytes: Buffer, length = 1000): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}
