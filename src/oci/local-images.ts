import { createHash } from 'node:crypto';
import { closeSync, createReadStream } from 'node:fs';
import * as v from 'valibot';
import { sha256 } from '../image/digest.ts';
import { parseName, repositoryOf } from '../image/name.ts';
import { choosePlatform, formatPlatform, type Platform } from '../image/platform.ts';
import type { Blob, ResolvedImage } from '../image/resolved.ts';
import { openRoot } from '../root/open-root.ts';
import { type Root, RootError } from '../root/root.ts';
import { cutShort, damaged, type LayoutOwner, mismatch, reading, SHIPPED } from './failure.ts';
import { type Entry, readEntries } from './index-json.ts';
import type { Manifest } from './manifest.ts';
import { type ManifestDocument, readManifest } from './manifest.ts';

/** Where an OS ships images: an OCI image layout, whose index.json has their full names. */
export const SHIPPED_STORE = '/usr/lib/berth/store';

/** Images that are at hand in an OCI layout. As a root that ships them they are hostile: all is hashed. */
export interface ShippedImages {
  /**
   * What a full name means here.
   *
   * @returns undefined if it is not here for the platform.
   * @throws {RegistryError} `bad-reply`, `digest-mismatch` or `short-body` for a damaged layout.
   */
  find(name: string, platform: Platform): ResolvedImage | undefined;

  /** Whether a blob is to be read here; of those of a layout that is whole by intent, each is. */
  has(digest: string): boolean;

  /** A manifest or index of an image that was found. @throws {RegistryError} as `find`. */
  manifest(digest: string): Manifest;

  /** The bytes of a blob; an error at their end if they were others. @throws as `find`. */
  read(blob: Blob): AsyncIterable<Buffer>;
}

const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;
const CHUNK_BYTES = 256 * 1024;
const INDEX_TYPE = 'application/vnd.oci.image.index.v1+json';
const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';

/**
 * The images that a root ships. What is damaged shows when something is looked for.
 *
 * @returns undefined if it ships none, or can't give their bytes, as an image that is a root.
 */
export function openShipped(root: Root): ShippedImages | undefined {
  if (!hasIndex(root)) return undefined;
  const layout = new Layout(root, { ...SHIPPED, directory: SHIPPED_STORE, partial: false });
  return imagesOf(layout, () => readEntries(root, INDEX));
}

/**
 * A layout in a directory of its own, in which blobs may be left out.
 *
 * @returns how to open the images that some entries name: these are read when one is looked for.
 */
export function openLayoutAt(directory: string, owner: LayoutOwner): OpenLayout {
  const root = openRoot(directory, 'any');
  const layout = new Layout(root, { ...owner, directory: '', partial: true });
  return { images: (entries) => imagesOf(layout, entries), close: () => root.close() };
}

export interface OpenLayout {
  images(entries: () => readonly Entry[]): ShippedImages;
  close(): void;
}

function imagesOf(layout: Layout, entries: () => readonly Entry[]): ShippedImages {
  let known: readonly Entry[] | undefined;
  return {
    find: (name, platform) => find(layout, (known ??= entries()), name, platform),
    has: (digest) => layout.has(digest),
    manifest: (digest) => layout.manifest(digest),
    read: (blob) => layout.read(blob),
  };
}

interface LayoutPlace extends LayoutOwner {
  readonly directory: string;
  /** Whether blobs may be left out. */
  readonly partial: boolean;
}

const INDEX = `${SHIPPED_STORE}/index.json`;

function hasIndex(root: Root): boolean {
  try {
    const file = root.openFile(INDEX);
    if (file !== undefined) closeSync(file.fd);
    return file !== undefined;
  } catch (error) {
    if (error instanceof RootError) return true;
    throw error;
  }
}

function find(
  layout: Layout,
  entries: readonly Entry[],
  name: string,
  platform: Platform,
): ResolvedImage | undefined {
  const wanted = parseName(name).digest;
  const ours = entries.filter((entry) => entry.repository === repositoryOf(name));
  const named = ours.filter((entry) =>
    wanted === undefined ? entry.name === name : [entry.digest, entry.index].includes(wanted),
  );
  const entry = choosePlatform(named, platform);
  if (entry === undefined) return undefined;
  const top = layout.document(entry.digest);
  if (top.kind === 'index') {
    const inner = choosePlatform(top.entries, platform);
    if (inner === undefined) return undefined;
    return describe(layout, name, platform, entry.digest, inner.digest);
  }
  const indexes = wanted === undefined ? ours : named;
  const digest = indexes.find((other) => other.digest === entry.digest && other.index)?.index;
  if (digest === undefined || wanted === entry.digest) {
    return describe(layout, name, platform, entry.digest, entry.digest);
  }
  const index = layout.document(digest);
  if (index.kind === 'index' && index.entries.some((of) => of.digest === entry.digest)) {
    return describe(layout, name, platform, digest, entry.digest);
  }
  throw damaged(
    layout.place,
    layout.blobPath(digest),
    `an index that lists ${entry.digest}`,
    'another one',
  );
}

function describe(
  layout: Layout,
  name: string,
  platform: Platform,
  digest: string,
  manifest: string,
): ResolvedImage {
  const document = layout.document(manifest);
  if (document.kind === 'index') {
    throw damaged(
      layout.place,
      layout.blobPath(manifest),
      'the manifest of an image',
      'one more index',
    );
  }
  const { config, layers } = document;
  return {
    name,
    digest,
    manifest,
    config: config.digest,
    platform: formatPlatform(platform),
    blobs: [config, ...layers],
  };
}

/** Blobs by their digests, which always are those of what is given out. */
class Layout {
  readonly #root: Root;
  readonly place: LayoutPlace;

  constructor(root: Root, place: LayoutPlace) {
    this.#root = root;
    this.place = place;
  }

  blobPath(digest: string): string {
    return `${this.place.directory}/blobs/${digest.replace(':', '/')}`;
  }

  has(digest: string): boolean {
    return !this.place.partial || this.#root.lookup(this.blobPath(digest))?.kind === 'file';
  }

  document(digest: string): ManifestDocument {
    const manifest = this.manifest(digest);
    const place = { registry: 'the layout', repository: this.place.directory, reference: digest };
    return readManifest(place, manifest);
  }

  manifest(digest: string): Manifest {
    const path = this.blobPath(digest);
    const content = reading(this.place, path, () =>
      this.#root.readFile(path, MAX_MANIFEST_BYTES),
    )?.content;
    if (content === undefined) throw damaged(this.place, path, 'a manifest', 'nothing');
    const found = sha256(content);
    if (found !== digest) throw mismatch(this.place, path, digest, found);
    return { mediaType: mediaTypeOf(content), digest, content };
  }

  async *read({ digest, size }: Blob): AsyncGenerator<Buffer> {
    const path = this.blobPath(digest);
    const file = reading(this.place, path, () => this.#root.openFile(path));
    if (file === undefined) throw damaged(this.place, path, 'a blob', 'nothing');
    if (file.size !== size) {
      closeSync(file.fd);
      throw cutShort(this.place, path, size, file.size);
    }
    const hash = createHash('sha256');
    // Not a byte more than was planned, should it grow meanwhile.
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

const documentSchema = v.object({
  mediaType: v.optional(v.string()),
  manifests: v.optional(v.unknown()),
});

/** What a document says it is; OCI lets it say nothing, and then its fields tell. */
export function mediaTypeOf(content: Buffer): string {
  try {
    const { mediaType, manifests } = v.parse(documentSchema, JSON.parse(content.toString()));
    return mediaType ?? (manifests === undefined ? MANIFEST_TYPE : INDEX_TYPE);
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof v.ValiError)) throw error;
    return MANIFEST_TYPE;
  }
}
