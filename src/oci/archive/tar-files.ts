import { createHash } from 'node:crypto';
import { closeSync } from 'node:fs';
import { posix } from 'node:path';
import { TarError } from '../../common/tar/error.ts';
import { type TarMember, tarIndex } from '../../common/tar/read.ts';
import type { Root } from '../../root/root.ts';
import { MAX_DOCUMENT_BYTES } from '../document.ts';
import { damaged, reading } from '../failure.ts';
import { ARCHIVE, MAX_DOCUMENTS_BYTES } from './archive.ts';
import { CHUNK_BYTES, decompressed, fileBytes } from './file-bytes.ts';
import type { Files, StoredFile } from './files.ts';

/** An image has some hundred files; archives of many images have a few thousand. */
const MAX_MEMBERS = 20_000;

/**
 * Looks through a tar archive of a root. If the archive is not compressed, only headers and JSON files
 * are read.
 *
 * @throws {LayoutError}
 */
export async function tarFiles(root: Root, path: string): Promise<Files> {
  const file = reading(ARCHIVE, path, () => root.openFile(path));
  if (file === undefined) throw damaged(ARCHIVE, path, 'an archive', 'nothing that can be read');
  try {
    const bytes = fileBytes(file.fd, 0, file.size);
    const packing = packingOf(root.readStart(path, 6) ?? Buffer.alloc(0));
    if (packing === 'unknown') {
      throw damaged(ARCHIVE, path, 'an archive that is plain, gzip or zstd', 'another compression');
    }
    const isPacked = packing !== 'none';
    const plain = isPacked ? decompressed(path, bytes, file.size) : bytes;
    return await indexed(path, tarIndex(plain), isPacked ? undefined : file.size);
  } catch (error) {
    if (!(error instanceof TarError)) throw error;
    throw damaged(ARCHIVE, path, 'a tar archive', error.message, error);
  } finally {
    closeSync(file.fd);
  }
}

/** The compression that the first bytes of a file tell; berth can't undo an `unknown` one. */
export function packingOf(start: Buffer): 'none' | 'known' | 'unknown' {
  const magic = start.toString('hex');
  if (magic.startsWith('1f8b') || magic.startsWith('28b52ffd')) return 'known';
  return /^(?:fd377a585a00|425a68)/.test(magic) ? 'unknown' : 'none';
}

async function indexed(
  path: string,
  entries: AsyncIterable<TarMember>,
  end: number | undefined,
): Promise<Files> {
  const members = new Map<string, StoredFile>();
  const links = new Map<string, string>();
  const documents = new Map<string, Buffer>();
  let held = 0;
  let count = 0;
  for await (const entry of entries) {
    if (++count > MAX_MEMBERS) {
      throw damaged(ARCHIVE, path, `at most ${MAX_MEMBERS} files`, 'more');
    }
    const name = normal(entry.path);
    const { type, target, start, size } = entry;
    if (type === 'link') links.set(name, normal(posix.join(posix.dirname(name), target)));
    if (type === 'hard-link') links.set(name, normal(target));
    if (type !== 'file') continue;
    if (end !== undefined && start + size > end) {
      throw damaged(ARCHIVE, path, `${size} bytes of ${name}`, 'the end of the archive');
    }
    const head = await entry.read(6);
    const isPacked = end === undefined;
    const isJson = /^\s*[[{]/.test(head.toString('latin1')) && size <= MAX_DOCUMENT_BYTES;
    held += isJson ? size : 0;
    if (held > MAX_DOCUMENTS_BYTES) {
      throw damaged(ARCHIVE, path, `at most ${MAX_DOCUMENTS_BYTES} bytes of JSON`, 'more');
    }
    const document = isJson ? Buffer.concat([head, await entry.read(size)]) : undefined;
    // If two files have one name, podman takes the first from docker's archives, the last from OCI's.
    if (document !== undefined && documents.get(name)?.equals(document) === false) {
      throw damaged(ARCHIVE, path, `one ${name}`, 'two of different content');
    }
    if (document !== undefined) documents.set(name, document);
    const known = isPacked ? { sha256: await digestOf(document ?? head, entry) } : {};
    members.set(name, { path, start, size, isPacked, head, ...known });
  }
  const followed = (name: string) => (members.has(name) ? name : (links.get(name) ?? name));
  return {
    called: (name) => `${path}, ${name}`,
    document: (name) => documents.get(followed(normal(name))),
    file: (name) => members.get(followed(normal(name))),
  };
}

/** The digest of a body whose first bytes were read already. */
async function digestOf(start: Buffer, member: TarMember): Promise<string> {
  const hash = createHash('sha256').update(start);
  for (;;) {
    const chunk = await member.read(CHUNK_BYTES);
    if (chunk.length === 0) return `sha256:${hash.digest('hex')}`;
    hash.update(chunk);
  }
}

function normal(path: string): string {
  return posix.join('/', path).slice(1);
}
