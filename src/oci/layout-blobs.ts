import { createHash } from 'node:crypto';
import { closeSync, createReadStream } from 'node:fs';
import { sha256 } from '../image/digest.ts';
import type { Blob } from '../image/resolved.ts';
import type { Root } from '../root/root.ts';
import { type Claims, type Document, MAX_DOCUMENT_BYTES } from './document.ts';
import { cutShort, damaged, type LayoutOwner, mismatch, reading } from './failure.ts';
import type { Manifest } from './manifest.ts';
import { ParsedDocuments } from './parsed-documents.ts';
import { MAX_SIGNATURES_BYTES, parseSignatures, SIGNATURES } from './signatures.ts';

export interface LayoutPlace extends LayoutOwner {
  readonly directory: string;
  /** Whether blobs may be left out. */
  readonly partial: boolean;
}

const CHUNK_BYTES = 256 * 1024;

/** The blobs of a layout. Bytes are handed out only if they match the requested digest. */
export class LayoutBlobs {
  readonly #root: Root;
  readonly place: LayoutPlace;
  readonly #documents = new ParsedDocuments();

  constructor(root: Root, place: LayoutPlace) {
    this.#root = root;
    this.place = place;
  }

  path(digest: string): string {
    return `${this.place.directory}/blobs/${digest.replace(':', '/')}`;
  }

  has(digest: string): boolean {
    return !this.place.partial || this.#root.lookup(this.path(digest))?.kind === 'file';
  }

  /**
   * Reads a manifest or index.
   *
   * @throws {LayoutError}
   */
  manifest(digest: string): Manifest {
    const content = this.#bytesOf(digest);
    return { digest, content, mediaType: this.#parsed(digest, () => content).mediaType };
  }

  /**
   * Reads and parses a manifest or index.
   *
   * @throws {LayoutError}
   */
  document(digest: string, claims: Claims = {}): Document {
    return this.#parsed(digest, () => this.#bytesOf(digest), claims);
  }

  /**
   * The signatures that the layout has of a manifest; none if it has no file of them.
   *
   * @throws {LayoutError}
   */
  signatures(manifest: string): readonly Buffer[] {
    const path = `${this.place.directory}/${SIGNATURES}/${manifest.slice('sha256:'.length)}.json`;
    const read = () => this.#root.readFile(path, MAX_SIGNATURES_BYTES);
    const content = reading(this.place, path, read)?.content;
    if (content === undefined) return [];
    const signatures = parseSignatures(content);
    if (signatures !== undefined) return signatures;
    throw damaged(this.place, path, 'a file of signatures', 'another one');
  }

  #parsed(digest: string, content: () => Buffer, claims?: Claims): Document {
    const document = this.#documents.of(digest, content, claims);
    if (document.kind !== 'refused') return document;
    throw damaged(this.place, this.path(digest), 'a manifest or index', document.found);
  }

  #bytesOf(digest: string): Buffer {
    const path = this.path(digest);
    const read = () => this.#root.readFile(path, MAX_DOCUMENT_BYTES);
    const content = reading(this.place, path, read)?.content;
    if (content === undefined) throw damaged(this.place, path, 'a manifest', 'nothing');
    const found = sha256(content);
    if (found !== digest) throw mismatch(this.place, path, digest, found);
    return content;
  }

  /**
   * The bytes of a blob, followed by an error if they don't match its digest.
   *
   * @throws {LayoutError}
   */
  async *read({ digest, size }: Blob): AsyncGenerator<Buffer> {
    const path = this.path(digest);
    const file = reading(this.place, path, () => this.#root.openFile(path));
    if (file === undefined) throw damaged(this.place, path, 'a blob', 'nothing');
    if (file.size !== size) {
      closeSync(file.fd);
      throw cutShort(this.place, path, size, file.size);
    }
    const hash = createHash('sha256');
    // Not a byte more than planned, in case the file grows meanwhile.
    const options = { fd: file.fd, start: 0, end: size - 1, highWaterMark: CHUNK_BYTES };
    if (size > 0) {
      for await (const chunk of createReadStream('', options)) {
        hash.update(chunk);
        yield chunk;
      }
    } else closeSync(file.fd);
    const found = `sha256:${hash.digest('hex')}`;
    if (found !== digest) throw mismatch(this.place, path, digest, found);
  }
}
