import { createHash } from 'node:crypto';
import { closeSync } from 'node:fs';
import { TarError } from '../../common/tar/error.ts';
import { type TarEntry, type TarMember, tarIndex } from '../../common/tar/read.ts';
import type { Root } from '../../root/root.ts';
import { MAX_DOCUMENT_BYTES } from '../document.ts';
import { damaged, LayoutError, reading } from '../failure.ts';
import { ARCHIVE, type Content, MAX_DOCUMENTS_BYTES } from './archive.ts';
import { CHUNK_BYTES, decompressed, fileBytes, mostBytes } from './file-bytes.ts';
import type { StoredFile } from './files.ts';
import { packingOf } from './packing.ts';

/** An image has some hundred files; archives of many images have a few thousand. */
const MAX_MEMBERS = 20_000;

/** A member of a tar archive. */
export interface StoredMember extends Pick<TarEntry, 'path' | 'type' | 'target'> {
  /** Of a regular file. */
  readonly file?: StoredFile;
  /** The content, if the file may be JSON. */
  readonly document?: Buffer;
}

/**
 * Looks through a tar archive of a root. If the archive is not compressed, only headers and JSON files
 * are read.
 *
 * @throws {LayoutError}
 */
export async function tarMembers(root: Root, path: string): Promise<readonly StoredMember[]> {
  const file = reading(ARCHIVE, path, () => root.openFile(path));
  if (file === undefined) throw damaged(ARCHIVE, path, 'an archive', 'nothing that can be read');
  try {
    const bytes = fileBytes(file.fd, 0, file.size);
    const packing = packingOf(root.readStart(path, 6) ?? Buffer.alloc(0));
    if (packing === 'unknown') {
      throw damaged(ARCHIVE, path, 'an archive that is plain, gzip or zstd', 'another compression');
    }
    const isPacked = packing !== 'none';
    const plain = isPacked ? decompressed(path, bytes, mostBytes(file.size)) : bytes;
    return await indexed(path, tarIndex(plain), { bytes: file.size, isPacked });
  } catch (error) {
    if (!(error instanceof TarError)) throw error;
    throw damaged(ARCHIVE, path, 'a tar archive', error.message, error);
  } finally {
    closeSync(file.fd);
  }
}

/** The file of an archive. */
interface Stored {
  readonly bytes: number;
  readonly isPacked: boolean;
}

async function indexed(
  path: string,
  entries: AsyncIterable<TarMember>,
  archive: Stored,
): Promise<readonly StoredMember[]> {
  const members: StoredMember[] = [];
  let documentBytes = 0;
  // A file that is compressed twice may not grow more than one that is compressed once.
  let left = mostBytes(archive.bytes);
  for await (const entry of limited(path, entries)) {
    const member = await stored(path, entry, archive, left);
    left -= member.file?.content?.size ?? 0;
    documentBytes += member.document?.length ?? 0;
    checkDocuments(path, documentBytes);
    members.push(member);
  }
  return members;
}

async function* limited(
  path: string,
  entries: AsyncIterable<TarMember>,
): AsyncGenerator<TarMember> {
  let count = 0;
  for await (const entry of entries) {
    count++;
    if (count > MAX_MEMBERS) throw damaged(ARCHIVE, path, `at most ${MAX_MEMBERS} files`, 'more');
    yield entry;
  }
}

function checkDocuments(path: string, bytes: number): void {
  if (bytes <= MAX_DOCUMENTS_BYTES) return;
  throw damaged(ARCHIVE, path, `at most ${MAX_DOCUMENTS_BYTES} bytes of JSON`, 'more');
}

/** @param most the limit for the unpacked size of a compressed file in a compressed archive, in bytes. */
async function stored(
  path: string,
  entry: TarMember,
  archive: Stored,
  most: number,
): Promise<StoredMember> {
  const { path: name, type, target } = entry;
  const content = type === 'file' ? await contentOf(path, entry, archive, most) : {};
  return { path: name, type, target, ...content };
}

async function contentOf(
  path: string,
  entry: TarMember,
  { bytes, isPacked }: Stored,
  most: number,
): Promise<Pick<StoredMember, 'file' | 'document'>> {
  const { start, size } = entry;
  if (!isPacked && start + size > bytes) {
    throw damaged(ARCHIVE, path, `${size} bytes of ${entry.path}`, 'the end of the archive');
  }
  const head = await entry.read(6);
  const isJson = /^\s*[[{]/.test(head.toString('latin1')) && size <= MAX_DOCUMENT_BYTES;
  const document = isJson ? Buffer.concat([head, await entry.read(size)]) : undefined;
  const known = isPacked ? await digestsOf(path, document ?? head, entry, most) : {};
  return {
    file: { path, start, size, isPacked, head, ...known },
    ...(document === undefined ? {} : { document }),
  };
}

/**
 * The digest of a file whose first bytes were read already, and of its unpacked content if it is compressed. This
 * takes one pass, because a second one would begin at the start of a compressed archive.
 */
async function digestsOf(
  path: string,
  start: Buffer,
  member: TarMember,
  most: number,
): Promise<Pick<StoredFile, 'sha256' | 'content'>> {
  const hash = createHash('sha256').update(start);
  async function* chunks(): AsyncGenerator<Buffer> {
    for (let chunk = start; chunk.length > 0; chunk = await member.read(CHUNK_BYTES)) {
      if (chunk !== start) hash.update(chunk);
      yield chunk;
    }
  }
  const stream = chunks();
  const isPacked = packingOf(start) === 'known';
  const content = isPacked ? await contentIn(path, stream, most) : undefined;
  // A decoder that gave up may have asked for one more chunk, for which this waits.
  await stream.return(undefined);
  for (let chunk = await member.read(CHUNK_BYTES); chunk.length > 0; ) {
    hash.update(chunk);
    chunk = await member.read(CHUNK_BYTES);
  }
  const sha256 = `sha256:${hash.digest('hex')}`;
  return content === undefined ? { sha256 } : { sha256, content };
}

/** Undefined if the bytes are damaged or grow too much, which matters only to an image that needs them. */
async function contentIn(
  path: string,
  bytes: AsyncIterable<Buffer>,
  most: number,
): Promise<Content | undefined> {
  const hash = createHash('sha256');
  let size = 0;
  try {
    for await (const chunk of decompressed(path, bytes, most)) {
      hash.update(chunk);
      size += chunk.length;
    }
  } catch (error) {
    if (error instanceof LayoutError) return undefined;
    throw error;
  }
  return { size, sha256: `sha256:${hash.digest('hex')}` };
}
