import { nameFromBytes } from '../path-bytes.ts';
import { trimmedEnd } from '../text/trimmed-end.ts';
import { ByteReader, type Bytes } from './byte-reader.ts';
import { TarError } from './error.ts';
import { type PaxRecords, paxRecords } from './pax-records.ts';

/** A member of an archive. Its body can be read until the next member is asked for. */
export interface TarEntry {
  /** The path as it stands in the archive, not normalised. */
  readonly path: string;
  readonly type: 'file' | 'directory' | 'link' | 'hard-link' | 'other';
  /** The target of a symbolic link, or the path of a hard link's file. */
  readonly target: string;
  readonly size: number;
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
  /** The next bytes of the body; fewer than `length` only at its end. */
  read(length: number): Promise<Buffer>;
}

/** A member whose body can be found again in the archive. */
export interface TarMember extends TarEntry {
  /** The position of the body in the archive. */
  readonly start: number;
}

const BLOCK = 512;
const maxExtension = 1024 * 1024;

/**
 * The members of an uncompressed archive in the formats ustar and pax (POSIX.1-2017, pax), with GNU's
 * long names and large numbers (GNU tar manual, "Basic Tar Format").
 *
 * @throws {TarError}
 */
export async function* tarEntries(bytes: AsyncIterable<Buffer>): AsyncGenerator<TarEntry> {
  const reader = new ByteReader(bytes);
  try {
    yield* members(reader);
    await readRest(reader);
  } finally {
    await reader.end();
  }
}

/**
 * Like `tarEntries`, but bytes that can be skipped are: bodies that nobody reads, and all behind the end
 * of the archive. The bytes may then end within a skipped body, which nobody notices.
 */
export async function* tarIndex(bytes: Bytes): AsyncGenerator<TarMember> {
  const reader = new ByteReader(bytes);
  try {
    yield* members(reader);
    if (bytes.skip === undefined) await readRest(reader);
  } finally {
    await reader.end();
  }
}

/** Reads the bytes behind the end of an archive, which belong to its digest, or its compressed stream. */
async function readRest(reader: ByteReader): Promise<void> {
  while ((await reader.read(65_536)).length > 0);
}

async function* members(reader: ByteReader): AsyncGenerator<TarMember> {
  let extended: Extended = {};
  for (;;) {
    const block = await reader.read(BLOCK);
    // All tools read an archive that lacks the two empty blocks at its end.
    if (block.length === 0) return;
    if (block.length < BLOCK) throw new TarError('the archive ends in the middle of a header');
    if (isEmpty(block)) {
      // Like Go's reader, which podman and docker use.
      const next = await reader.read(BLOCK);
      if (next.length === 0 || (next.length === BLOCK && isEmpty(next))) return;
      throw new TarError('one empty block stands where an archive has two or none');
    }
    checkSum(block);
    const type = String.fromCharCode(block[156] ?? 0);
    const extension = extensions.get(type);
    if (extension !== undefined) {
      const size = numberAt(block, 124, 12);
      if (size > maxExtension) throw new TarError(`an extended header has ${size} bytes`);
      extended = extension(await wholeBody(reader, size), extended);
      continue;
    }
    const records = { ...extended.pax, ...extended.gnu };
    const size = records.size ?? numberAt(block, 124, 12);
    // Links and directories have no body, whatever their size says.
    const length = '123456'.includes(type) ? 0 : size;
    let left = length;
    const path = records.path ?? nameAt(block);
    yield {
      path,
      // Before POSIX.1-1988 a directory was a file whose name ends with a slash.
      type: type === '\0' && path.endsWith('/') ? 'directory' : typeOf(type, records),
      target: records.linkpath ?? textAt(block, 157, 100),
      size: length,
      start: reader.position,
      uid: records.uid ?? numberAt(block, 108, 8),
      gid: records.gid ?? numberAt(block, 116, 8),
      mode: numberAt(block, 100, 8),
      read: async (wanted) => {
        const part = await reader.read(Math.min(wanted, left));
        if (part.length < Math.min(wanted, left)) throw cut();
        left -= part.length;
        return part;
      },
    };
    if (!(await reader.skip(left + padding(length)))) throw cut();
    extended = {};
  }
}

/** What earlier headers say about the next member. Like in Go's reader, GNU's names go before those of pax. */
interface Extended {
  readonly pax?: PaxRecords;
  readonly gnu?: Pick<PaxRecords, 'path' | 'linkpath'>;
}

/** By their type, the headers that say something about the next member, or about all of them. */
const extensions: ReadonlyMap<string, (body: Buffer, before: Extended) => Extended> = new Map([
  ['x', (body: Buffer, before: Extended) => ({ ...before, pax: paxRecords(body) })],
  ['g', checkedGlobal],
  [
    'L',
    (body: Buffer, before: Extended) => withGnu(before, { path: textAt(body, 0, body.length) }),
  ],
  [
    'K',
    (body: Buffer, before: Extended) => withGnu(before, { linkpath: textAt(body, 0, body.length) }),
  ],
]);

function withGnu(before: Extended, names: Extended['gnu']): Extended {
  return { ...before, gnu: { ...before.gnu, ...names } };
}

/** A global header changes nothing that is read here, but a malformed one is refused. */
function checkedGlobal(body: Buffer, before: Extended): Extended {
  paxRecords(body);
  return before;
}

async function wholeBody(reader: ByteReader, size: number): Promise<Buffer> {
  const body = Buffer.from(await reader.read(size));
  if (body.length < size || !(await reader.skip(padding(size)))) throw cut();
  return body;
}

function typeOf(type: string, { sparse }: PaxRecords): TarEntry['type'] {
  if (type === '5') return 'directory';
  if (type === '2') return 'link';
  if (type === '1') return 'hard-link';
  // The body of a sparse file has only pieces of its content.
  if (type === 'S') throw new TarError('a sparse file of GNU tar, which layers do not have');
  if (sparse === true) throw new TarError('a sparse file, which layers do not have');
  return ['0', '\0', '7'].includes(type) ? 'file' : 'other';
}

function nameAt(block: Buffer): string {
  const name = textAt(block, 0, 100);
  // GNU's own format ("ustar  ") keeps times where POSIX keeps the prefix.
  const prefix = block.toString('latin1', 257, 263) === 'ustar\0' ? textAt(block, 345, 155) : '';
  return prefix === '' ? name : `${prefix}/${name}`;
}

function textAt(block: Buffer, start: number, length: number): string {
  const field = block.subarray(start, start + length);
  const end = field.indexOf(0);
  return nameFromBytes(end === -1 ? field : field.subarray(0, end));
}

/** A number in octal digits, or in GNU's base 256 if the first bit is set. */
function numberAt(block: Buffer, start: number, length: number): number {
  const first = block[start] ?? 0;
  if (first >= 0x80) {
    const value = block
      .subarray(start + 1, start + length)
      .reduce((sum, byte) => sum * 256 + byte, first & 0x7f);
    if (!Number.isSafeInteger(value)) throw new TarError('a header has a number out of range');
    return value;
  }
  const text = trimmedEnd(block.toString('latin1', start, start + length), '\0 ').trim();
  if (!/^[0-7]*$/.test(text)) throw new TarError('a header has a number that is none');
  return text === '' ? 0 : Number.parseInt(text, 8);
}

/** Checks the sum of the header's bytes, in which spaces stand for the sum itself. */
function checkSum(block: Buffer): void {
  let sum = 8 * 0x20;
  for (let at = 0; at < BLOCK; at++) if (at < 148 || at >= 156) sum += block[at] ?? 0;
  if (sum !== numberAt(block, 148, 8)) throw new TarError('a header has a wrong checksum');
}

function isEmpty(block: Buffer): boolean {
  return block.length === BLOCK && block.every((byte) => byte === 0);
}

function padding(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

function cut(): TarError {
  return new TarError('the archive ends in the middle of a file');
}
