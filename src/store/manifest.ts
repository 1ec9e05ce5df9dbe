import { sha256 } from '../image/digest.ts';
import type { Blob } from '../image/resolved.ts';
import { blobsOf, MAX_DOCUMENT_BYTES, parseDocument } from '../oci/document.ts';
import { storedSize } from './blob.ts';
import { readBounded } from './file.ts';
import { blobPath, type Layout } from './layout.ts';

/** The contents of a stored manifest or index. */
export interface StoredManifest {
  readonly mediaType: string;
  /** Size of the document itself, in bytes. */
  readonly size: number;
  /** The config, then the layers; empty for an index. */
  readonly blobs: readonly Blob[];
  /** The digests of an index's manifests; empty for a manifest. */
  readonly manifests: readonly string[];
}

/** The manifests of a store by digest. Each is read and validated once as long as its blob stays. */
export type ManifestCache = Map<string, StoredManifest>;

/** The cache is bounded because it can't notice when other processes remove manifests. */
const MOST_CACHED = 50_000;

/** A manifest or index of the store; undefined if it is missing, damaged or refused. */
export function storedManifest(
  layout: Layout,
  cache: ManifestCache,
  digest: string,
): StoredManifest | undefined {
  const known = cache.get(digest);
  if (known !== undefined && storedSize(layout, digest) === known.size) return known;
  cache.delete(digest);
  const content = storedBytes(layout, digest);
  const manifest = content === undefined ? undefined : parseManifest(content);
  if (cache.size >= MOST_CACHED) cache.clear();
  if (manifest !== undefined) cache.set(digest, manifest);
  return manifest;
}

/**
 * The blobs and manifests to which a stored document refers. Another tool may have stored a document that
 * berth refuses: then every digest in its text counts, so that none of its blobs is swept.
 */
export function leadsTo(
  layout: Layout,
  cache: ManifestCache,
  digest: string,
): Pick<StoredManifest, 'manifests'> & { readonly blobs: readonly string[] } {
  const manifest = storedManifest(layout, cache, digest);
  if (manifest !== undefined) {
    return { blobs: manifest.blobs.map((blob) => blob.digest), manifests: manifest.manifests };
  }
  const text = storedBytes(layout, digest)?.toString('latin1') ?? '';
  return { blobs: [], manifests: text.match(/sha256:[0-9a-f]{64}/g) ?? [] };
}

/** The bytes of a stored manifest; undefined if it is missing or does not match its digest. */
export function storedBytes(layout: Layout, digest: string): Buffer | undefined {
  const size = storedSize(layout, digest);
  if (size === undefined || size > MAX_DOCUMENT_BYTES) return undefined;
  const content = readBounded(blobPath(layout, digest), MAX_DOCUMENT_BYTES);
  return content !== undefined && sha256(content) === digest ? content : undefined;
}

/** Parses a manifest or index; undefined if it is refused. */
export function parseManifest(content: Buffer): StoredManifest | undefined {
  const document = parseDocument(content);
  if (document.kind === 'refused') return undefined;
  const { mediaType } = document;
  const own = { mediaType, size: content.length };
  return document.kind === 'manifest'
    ? { ...own, blobs: blobsOf(document), manifests: [] }
    : { ...own, blobs: [], manifests: document.entries.map(({ digest }) => digest) };
}
