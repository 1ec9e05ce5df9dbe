import { createHash } from 'node:crypto';
import { sha256 } from '../../image/digest.ts';
import { parseName } from '../../image/name.ts';
import { type Blob, distinctBlobs, type ResolvedImage } from '../../image/resolved.ts';
import { blobsOf, type Document, MAX_DOCUMENT_BYTES, parseDocument } from '../../oci/document.ts';
import { cutShort, type LayoutOwner, mismatch } from '../../oci/failure.ts';
import type { ShippedImages } from '../../oci/local-images.ts';
import type { Manifest } from '../../oci/manifest.ts';
import type { Meaning } from '../depot.ts';
import { EngineError } from '../errors.ts';
import type { FindBlob, StoredBlob } from '../stored-blob.ts';

/** A store of blobs on this machine. */
export interface BlobPlace {
  /** The name of the store in messages: `docker`. */
  readonly called: string;
  readonly find: FindBlob;
}

/**
 * An image whose documents and blobs lie in stores of this machine, each in any of them. Every byte that is handed out
 * is checked against its digest.
 *
 * @returns undefined unless everything is there.
 */
export async function storedImage(
  places: readonly BlobPlace[],
  meaning: Meaning,
): Promise<ShippedImages | undefined> {
  const manifest = await readDocument(places, meaning.manifest);
  if (manifest?.document.kind !== 'manifest') return undefined;
  const top = meaning.digest === meaning.manifest ? manifest : await indexOf(places, meaning);
  if (top === undefined) return undefined;
  const blobs = blobsOf(manifest.document);
  const found = await findAll(places, blobs);
  if (found === undefined) return undefined;
  const image = { ...meaning, config: manifest.document.config.digest, blobs };
  return imagesOf(image, [manifest, top], found);
}

function imagesOf(
  image: Omit<ResolvedImage, 'name'>,
  documents: readonly Read[],
  blobs: ReadonlyMap<string, Found>,
): ShippedImages {
  return {
    find: (name) => (parseName(name).digest === image.digest ? { ...image, name } : undefined),
    has: (digest) => blobs.has(digest),
    manifest: (digest) => documents.find((one) => one.digest === digest) ?? fail(digest),
    signatures: () => [],
    read: (blob) => checked(blob, blobs.get(blob.digest) ?? fail(blob.digest)),
  };
}

/** @throws {Error} for a bug in berth. */
function fail(digest: string): never {
  throw new Error(`${digest} is no part of the image`);
}

/** A document that matches its digest. */
interface Read extends Manifest {
  readonly document: Document;
}

/** The index for which a name stands, if it lists the manifest. */
async function indexOf(
  places: readonly BlobPlace[],
  { digest, manifest }: Meaning,
): Promise<Read | undefined> {
  const read = await readDocument(places, digest);
  if (read?.document.kind !== 'index') return undefined;
  return read.document.entries.some((entry) => entry.digest === manifest) ? read : undefined;
}

/** Reads a document from the first store that has it undamaged. */
async function readDocument(
  places: readonly BlobPlace[],
  digest: string,
): Promise<Read | undefined> {
  for (const { find } of places) {
    const content = await tried(async () => wholeOf(await find(digest)));
    if (content === undefined || sha256(content) !== digest) continue;
    const document = parseDocument(content);
    if (document.kind === 'refused') return undefined;
    return { digest, content, mediaType: document.mediaType, document };
  }
  return undefined;
}

/** @returns undefined for a blob that is too large to be a document. */
async function wholeOf(blob: StoredBlob | undefined): Promise<Buffer | undefined> {
  if (blob === undefined || blob.size > MAX_DOCUMENT_BYTES) return undefined;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of blob.read()) {
    size += chunk.length;
    if (size > blob.size) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** A blob, and the store in which it was found. */
interface Found {
  readonly place: BlobPlace;
  readonly stored: StoredBlob;
}

/** @returns undefined if a blob is in none of the stores. */
async function findAll(
  places: readonly BlobPlace[],
  blobs: readonly Blob[],
): Promise<ReadonlyMap<string, Found> | undefined> {
  const found = new Map<string, Found>();
  for (const blob of distinctBlobs(blobs)) {
    const one = await findBlob(places, blob);
    if (one === undefined) return undefined;
    found.set(blob.digest, one);
  }
  return found;
}

async function findBlob(places: readonly BlobPlace[], blob: Blob): Promise<Found | undefined> {
  for (const place of places) {
    const stored = await tried(() => place.find(blob.digest));
    if (stored?.size === blob.size) return { place, stored };
  }
  return undefined;
}

/** A store that fails is as good as one without the blob. */
async function tried<T>(work: () => Promise<T | undefined>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof EngineError) return undefined;
    throw error;
  }
}

/** The bytes of a blob, followed by an error if they don't match its digest. */
async function* checked({ digest, size }: Blob, { place, stored }: Found): AsyncGenerator<Buffer> {
  const owner = ownerOf(place);
  const hash = createHash('sha256');
  let length = 0;
  for await (const chunk of stored.read()) {
    length += chunk.length;
    if (length > size) break;
    hash.update(chunk);
    yield asBuffer(chunk);
  }
  if (length !== size) throw cutShort(owner, digest, size, length);
  const actual = `sha256:${hash.digest('hex')}`;
  if (actual !== digest) throw mismatch(owner, digest, digest, actual);
}

function ownerOf({ called }: BlobPlace): LayoutOwner {
  return {
    called: (digest) => `${digest} in ${called}`,
    hint: `the store of ${called} is damaged; remove the images that have this blob, and pull them again`,
  };
}

function asBuffer(chunk: Uint8Array): Buffer {
  return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}
