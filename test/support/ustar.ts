/** What a tar archive has an entry for. */
export interface TarEntry {
  readonly path: string;
  /** A file by default. */
  readonly type?: 'file' | 'link' | 'character' | 'block' | 'directory' | 'fifo';
  /** 0755 by default. */
  readonly mode?: number;
  /** Root by default. */
  readonly owner?: readonly [uid: number, gid: number];
  readonly content?: string | Buffer;
  /** Of a hard link. */
  readonly target?: string;
  readonly device?: readonly [major: number, minor: number];
  /** By name, as the kernel has them. */
  readonly attributes?: Readonly<Record<string, Buffer>>;
}

/**
 * A tar archive of regular files, reproducible: POSIX.1-2017 pax, "ustar Interchange Format".
 * Missing directories are left to the reader, as every unpacker of layers makes them.
 */
export function ustar(files: Readonly<Record<string, string | Buffer>>): Buffer {
  return tarOf(Object.entries(files).map(([path, content]) => ({ path, content })));
}

/** A tar archive of any entries, likewise. */
export function tarOf(entries: readonly TarEntry[]): Buffer {
  return Buffer.concat([...entries.flatMap(partsOf), Buffer.alloc(2 * BLOCK)]);
}

const BLOCK = 512;

/** The pax type of a header that holds more about the entry after it. */
const MORE = 'x';

const TYPES = { file: '0', link: '1', character: '3', block: '4', directory: '5', fifo: '6' };

function partsOf(entry: TarEntry): readonly Buffer[] {
  const attributes = Object.entries(entry.attributes ?? {});
  const records = attributes.map(([name, value]) => record(`SCHILY.xattr.${name}`, value));
  const more = records.length === 0 ? [] : filled({ path: 'more' }, MORE, Buffer.concat(records));
  return [...more, ...filled(entry, TYPES[entry.type ?? 'file'], Buffer.from(entry.content ?? ''))];
}

/** `LENGTH NAME=VALUE\n`, whose length counts its own digits. */
function record(name: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${name}=`), value, Buffer.from('\n')]);
  let length = rest.length;
  while (length !== rest.length + String(length).length) {
    length = rest.length + String(length).length;
  }
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

function filled(entry: TarEntry, type: string, bytes: Buffer): readonly Buffer[] {
  return [header(entry, type, bytes.length), bytes, Buffer.alloc(-bytes.length & (BLOCK - 1))];
}

function header(
  { path, mode = 0o755, owner: [uid, gid] = [0, 0], target = '', device }: TarEntry,
  type: string,
  size: number,
): Buffer {
  if (Buffer.byteLength(path) > 100) throw new Error(`${path} is longer than a ustar name`);
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, '0')}\0`;
  block.write(path, 0);
  block.write(octal(mode, 7), 100);
  block.write(octal(uid, 7), 108);
  block.write(octal(gid, 7), 116);
  block.write(octal(size, 11), 124);
  block.write('00000000000\0', 136);
  block.write(`        ${type}`, 148);
  block.write(target, 157);
  block.write('ustar\x0000', 257);
  if (device !== undefined) {
    block.write(octal(device[0], 7), 329);
    block.write(octal(device[1], 7), 337);
  }
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}
