import { createHash } from 'node:crypto';
import { parseLock } from '../binding/lock.ts';
import { displayPath } from '../common/path-bytes.ts';
import { ChunkSource } from '../common/tar/chunk-source.ts';
import { isDecompression, unpacked } from '../common/tar/decompress.ts';
import { TarError } from '../common/tar/error.ts';
import { type TarEntry, tarEntries } from '../common/tar/read.ts';
import { sha256 } from '../image/digest.ts';
import { formatPlatform, normalisePlatform } from '../image/platform.ts';
import { type Blob, distinctLayersOf, type ResolvedImage } from '../image/resolved.ts';
import { blobsOf, type Claims, type Document } from '../oci/document.ts';
import { ParsedDocuments } from '../oci/parsed-documents.ts';
import { BundleError, bundleDamaged, noBundle } from './failure.ts';
import {
  type BundleEntry,
  blobMember,
  MAX_DOCUMENT,
  MAX_DOCUMENTS,
  MAX_MEMBER,
  MEMBERS,
  parseBundle,
  parseIndex,
} from './format.ts';
import { KIND_BYTES, otherKind } from './other-kind.ts';

/** Everything in a bundle before its layers, checked against digests. */
export interface BundleHead {
  readonly images: readonly HeadImage[];
  /** Manifests, indexes and configs. */
  readonly documents: ReadonlyMap<string, Buffer>;
  /** The layers in the bundle, by digest. */
  readonly layers: ReadonlyMap<string, Blob>;
  /** The digests of the layers that the bundle leaves out. */
  readonly omitted: ReadonlySet<string>;
  /** The signatures of manifests, as files. */
  readonly signatures: ReadonlyMap<string, readonly Buffer[]>;
}

export interface HeadImage extends ResolvedImage {
  readonly mediaType: string;
}

/** A bundle that is read once, from beginning to end. */
export interface BundleReader {
  readonly head: BundleHead;
  /** The layers; each must be read before the next is requested. */
  layers(): AsyncGenerator<ReadLayer>;
}

export interface ReadLayer {
  readonly blob: Blob;
  /** The bytes of the layer, followed by an error if they don't match its digest. */
  bytes(): AsyncGenerator<Buffer>;
}

const CHUNK = 256 * 1024;

/** In bytes: the header of a member and the padding after it. */
const FRAME = 1024;

/**
 * Reads a bundle, compressed or not.
 *
 * @param name what messages call the bundle: its path.
 * @throws {BundleError} `bundle-damaged`, also from `layers`: for anything that `berth bundle` does not
 *   write, and as soon as there are more bytes than the manifests say.
 */
export async function withBundle<T>(
  name: string,
  bytes: AsyncIterable<Buffer>,
  work: (reader: BundleReader) => Promise<T>,
): Promise<T> {
  const source = new ChunkSource(bytes);
  const limit = { left: 3 * MAX_MEMBER + MAX_DOCUMENTS };
  const entries = tarEntries(limited(unpacked(source), limit));
  try {
    const other = otherKind(await source.peek(KIND_BYTES));
    if (other !== undefined) throw noBundle(other);
    const head = await readHead(entries);
    const sizes = [...head.layers.values()].map(({ size }) => size + FRAME);
    limit.left = sizes.reduce((sum, size) => sum + size, MAX_MEMBER);
    return await work({ head, layers: () => readLayers(entries, head) });
  } catch (error) {
    throw namedFailure(name, error);
  } finally {
    await entries.return(undefined);
    await source.close();
  }
}

function namedFailure(name: string, error: unknown): unknown {
  const failure = damageBehind(error);
  if (failure?.code !== 'bundle-damaged') return error;
  const { hint, cause } = failure;
  return new BundleError(failure.code, `${name}: ${failure.message}`, { hint, cause });
}

function damageBehind(error: unknown): BundleError | undefined {
  if (error instanceof TarError) return bundleDamaged('a tar archive', error.message, error);
  if (isDecompression(error)) return bundleDamaged('a zstd stream', error.message, error);
  return error instanceof BundleError ? error : undefined;
}

async function* limited(
  bytes: AsyncIterable<Buffer>,
  limit: { left: number },
): AsyncGenerator<Buffer> {
  for await (const chunk of bytes) {
    limit.left -= chunk.length;
    if (limit.left < 0) throw bundleDamaged('no more than its manifests say', 'more');
    yield chunk;
  }
}

type Entries = AsyncGenerator<TarEntry>;

async function readHead(members: Entries): Promise<BundleHead> {
  const layout = await member(members, MEMBERS.layout);
  if (!/"imageLayoutVersion":\s*"1\.0\.0"/.test(layout.toString())) {
    throw bundleDamaged('an OCI image layout 1.0.0', 'another one');
  }
  const entries = parseIndex(await member(members, MEMBERS.index));
  const lock = await member(members, MEMBERS.lock);
  const { omitted, signatures } = parseBundle(await member(members, MEMBERS.bundle));
  const documents = new DocumentReader(members);
  const images: HeadImage[] = [];
  for (const entry of entries) images.push(await imageOf(entry, documents));
  await checkLock(lock, images);
  const named = images.flatMap((of) => [of.digest, of.manifest, of.config]);
  if (new Set(named).size !== documents.all.size) {
    throw bundleDamaged('manifests of its images alone', 'others');
  }
  const missing = new Set(omitted);
  const layers = distinctLayersOf(images)
    .filter(({ digest }) => !missing.has(digest))
    .map((layer) => [layer.digest, layer] as const);
  return {
    images,
    documents: documents.all,
    layers: new Map(layers),
    omitted: missing,
    signatures: new Map(Object.entries(signatures)),
  };
}

async function member(entries: Entries, path: string): Promise<Buffer> {
  const entry = await next(entries);
  if (entry?.path !== path || entry.type !== 'file' || entry.size > MAX_MEMBER) {
    throw bundleDamaged(`the file ${path}`, found(entry));
  }
  return entry.read(entry.size);
}

async function next(entries: Entries): Promise<TarEntry | undefined> {
  const result = await entries.next();
  return result.done === true ? undefined : result.value;
}

function found(entry: TarEntry | undefined): string {
  if (entry === undefined) return 'its end';
  return `${entry.type} ${displayPath(JSON.stringify(entry.path.slice(0, 200)))} of ${entry.size} bytes`;
}

/** Returns documents in any order, although they arrive in the order of their digests. */
class DocumentReader {
  readonly all = new Map<string, Buffer>();
  readonly #entries: Entries;
  readonly #parsed = new ParsedDocuments();
  #bytes = 0;

  constructor(entries: Entries) {
    this.#entries = entries;
  }

  parsed(digest: string, content: Buffer, expected: string, claims?: Claims): Document {
    const document = this.#parsed.of(digest, () => content, claims);
    if (document.kind === 'refused') throw bundleDamaged(expected, document.found);
    return document;
  }

  async get(digest: string): Promise<Buffer> {
    for (;;) {
      const known = this.all.get(digest);
      if (known !== undefined) return known;
      const entry = await next(this.#entries);
      if (entry?.type !== 'file' || entry.size > MAX_DOCUMENT) {
        throw bundleDamaged(`the manifest or config ${digest}`, found(entry));
      }
      this.#bytes += entry.size;
      if (this.#bytes > MAX_DOCUMENTS) {
        throw bundleDamaged(`at most ${MAX_DOCUMENTS} bytes of manifests`, 'more');
      }
      const content = await entry.read(entry.size);
      const actual = sha256(content);
      if (entry.path !== blobMember(actual) || this.all.has(actual)) {
        throw bundleDamaged(`the manifest or config ${digest}`, `${found(entry)}, ${actual}`);
      }
      this.all.set(actual, content);
    }
  }
}

async function imageOf(
  { name, mediaType, digest, size, platform, index }: BundleEntry,
  documents: DocumentReader,
): Promise<HeadImage> {
  const content = await documents.get(digest);
  if (content.length !== size) {
    throw bundleDamaged(`${size} bytes of ${digest}`, `${content.length}`);
  }
  const expected = `a manifest of ${name} at ${digest}`;
  const manifest = documents.parsed(digest, content, expected, { mediaType });
  if (manifest.kind !== 'manifest') throw bundleDamaged(`a manifest for ${name}`, 'an index');
  const { config } = manifest;
  const { length } = await documents.get(config.digest);
  if (length !== config.size) throw bundleDamaged(`${config.size} bytes of a config`, `${length}`);
  if (index !== undefined) await checkIndex(name, digest, index, documents);
  return {
    name,
    mediaType,
    digest: index ?? digest,
    manifest: digest,
    config: config.digest,
    platform: formatPlatform(normalisePlatform(platform)),
    blobs: blobsOf(manifest),
  };
}

async function checkIndex(
  name: string,
  manifest: string,
  digest: string,
  documents: DocumentReader,
): Promise<void> {
  const content = await documents.get(digest);
  const index = documents.parsed(digest, content, `an index of ${name} at ${digest}`);
  if (index.kind === 'index' && index.entries.some((of) => of.digest === manifest)) return;
  throw bundleDamaged(`an index of ${name} that lists ${manifest}`, digest);
}

/** The lock must name the images of the bundle and no others. */
async function checkLock(content: Buffer, images: readonly HeadImage[]): Promise<void> {
  const { lock, problem } = await parseLock(content.toString());
  if (lock === undefined) throw bundleDamaged('a lock', problem?.message ?? 'none');
  const names = new Set(images.map(({ name }) => name));
  if (names.size !== images.length || names.size !== lock.size) {
    throw bundleDamaged('each name of the lock once', `${images.length} of ${lock.size}`);
  }
  for (const { name, digest } of images) {
    const locked = lock.get(name)?.digest;
    if (locked === digest) continue;
    throw bundleDamaged(`${name} to be ${locked ?? 'in the lock'}`, digest);
  }
}

async function* readLayers(entries: Entries, { layers }: BundleHead): AsyncGenerator<ReadLayer> {
  const left = new Map([...layers].map(([digest, blob]) => [blobMember(digest), blob]));
  for (let entry = await next(entries); entry !== undefined; entry = await next(entries)) {
    const member = entry;
    const { path, type, size } = member;
    const blob = left.get(path);
    if (blob === undefined || type !== 'file' || size !== blob.size) {
      throw bundleDamaged('a layer that its manifests name, once', found(member));
    }
    left.delete(path);
    yield { blob, bytes: () => checked(blob, member) };
  }
  const [missing] = left.values();
  if (missing !== undefined) throw bundleDamaged(`the layer ${missing.digest}`, 'its end');
}

async function* checked({ digest, size }: Blob, entry: TarEntry): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  for (let left = size; left > 0; ) {
    const chunk = await entry.read(Math.min(left, CHUNK));
    hash.update(chunk);
    left -= chunk.length;
    yield chunk;
  }
  const actual = `sha256:${hash.digest('hex')}`;
  if (actual !== digest) throw bundleDamaged(`the layer ${digest}`, `one that hashes to ${actual}`);
}
