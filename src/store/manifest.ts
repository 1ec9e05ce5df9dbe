import * as v from 'valibot';
import { sha256 } from '../image/digest.ts';
import type { Blob } from '../image/resolved.ts';
import { storedSize } from './blob.ts';
import { readBounded } from './file.ts';
import { blobPath, type Layout } from './layout.ts';

/** Larger manifests and indexes are refused, as registries do (distribution-spec: 4 MiB). */
export const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;

/** image-spec, manifest.md: what a manifest is that does not say what it is. */
const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';

const BlobSchema = v.object({
  mediaType: v.string(),
  digest: v.string(),
  size: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
});

const ManifestSchema = v.object({
  schemaVersion: v.literal(2),
  mediaType: v.optional(v.string(), OCI_MANIFEST),
  config: BlobSchema,
  layers: v.array(BlobSchema),
});

const IndexSchema = v.object({
  schemaVersion: v.literal(2),
  manifests: v.array(v.object({ digest: v.string() })),
});

/** What a stored manifest or index refers to. */
export interface StoredManifest {
  /** A manifest's own; empty for an index. */
  readonly mediaType: string;
  /** Of the manifest's own bytes. */
  readonly size: number;
  /** Config first, then the layers; none for an index. */
  readonly blobs: readonly Blob[];
  /** The digests of an index's manifests; none for a manifest. */
  readonly manifests: readonly string[];
}

/** The manifests of a store by digest, each read and judged once as long as its blob stays. */
export type ManifestCache = Map<string, StoredManifest>;

/** Other processes remove blobs too, and their manifests stay in the cache: so it has a bound. */
const MOST_CACHED = 50_000;

/** A manifest or index of the store; undefined if it is not there, or not the one it should be. */
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

/** The bytes of a stored manifest; undefined if they are not there, or don't hash to its digest. */
export function storedBytes(layout: Layout, digest: string): Buffer | undefined {
  const size = storedSize(layout, digest);
  if (size === undefined || size > MAX_MANIFEST_BYTES) return undefined;
  const content = readBounded(blobPath(layout, digest), MAX_MANIFEST_BYTES);
  return content !== undefined && sha256(content) === digest ? content : undefined;
}

/** What a manifest or an index says; undefined if it is neither. */
export function parseManifest(content: Buffer): StoredManifest | undefined {
  const json = parseJson(content);
  const manifest = v.safeParse(ManifestSchema, json);
  if (manifest.success) {
    const { mediaType, config, layers } = manifest.output;
    return { mediaType, size: content.length, blobs: [config, ...layers], manifests: [] };
  }
  const index = v.safeParse(IndexSchema, json);
  if (!index.success) return undefined;
  const manifests = index.output.manifests.map(({ digest }) => digest);
  return { mediaType: '', size: content.length, blobs: [], manifests };
}

function parseJson(content: Buffer): unknown {
  try {
    return JSON.parse(content.toString());
  } catch {
    return undefined;
  }
}
