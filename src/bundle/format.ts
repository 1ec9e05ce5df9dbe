import * as v from 'valibot';
import { API_VERSION } from '../common/version.ts';
import { isDigest } from '../image/digest.ts';
import { INDEX_DIGEST, REF_NAME } from '../oci/annotations.ts';
import { bundleDamaged } from './failure.ts';

/**
 * The members of a bundle, in this order: those that are named here, then the manifests, indexes
 * and configs, then the layers, each by digest. So who reads it as a stream knows what is to come,
 * and how much, before the first layer.
 */
export const MEMBERS = {
  layout: 'oci-layout',
  index: 'index.json',
  lock: 'lock.json',
  bundle: 'bundle.json',
} as const;

/** Of index.json, lock.json or bundle.json, in bytes: room for ten thousand images. */
export const MAX_MEMBER = 16 * 1024 * 1024;

/** Of one manifest, index or config: distribution-spec, "Pushing Manifests". */
export const MAX_DOCUMENT = 4 * 1024 * 1024;

/** Of all of them together, in bytes, as they are held in memory: some two thousand images. */
export const MAX_DOCUMENTS = 64 * 1024 * 1024;

export const INDEX_TYPE = 'application/vnd.oci.image.index.v1+json';

const word = v.pipe(v.string(), v.maxLength(512));
const digest = v.pipe(v.string(), v.check(isDigest, 'expected sha256: and 64 hex digits'));

/** image-spec, image-layout.md: what berth writes of it, and so reads. */
const IndexSchema = v.object({
  schemaVersion: v.literal(2),
  manifests: v.array(
    v.object({
      mediaType: word,
      digest,
      size: v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(MAX_DOCUMENT)),
      platform: v.object({ os: word, architecture: word, variant: v.optional(word) }),
      annotations: v.object({ [REF_NAME]: word, [INDEX_DIGEST]: v.optional(digest) }),
    }),
  ),
});

/** What a bundle says of itself beside its images. */
const BundleSchema = v.object({
  apiVersion: v.literal(API_VERSION),
  kind: v.literal('Bundle'),
  /** Layers of its images that it does not have: who loads it must. */
  omitted: v.array(digest),
});

export type BundleIndex = v.InferOutput<typeof IndexSchema>;
export type BundleFile = v.InferOutput<typeof BundleSchema>;

/** @throws {BerthError} `bundle-damaged` */
export function parseIndex(content: Buffer): BundleIndex {
  return parse(MEMBERS.index, IndexSchema, content);
}

/** @throws {BerthError} `bundle-damaged` */
export function parseBundle(content: Buffer): BundleFile {
  return parse(MEMBERS.bundle, BundleSchema, content);
}

function parse<T extends v.GenericSchema>(
  path: string,
  schema: T,
  content: Buffer,
): v.InferOutput<T> {
  try {
    return v.parse(schema, JSON.parse(content.toString()));
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    throw bundleDamaged(`${path} as berth writes it`, found, error);
  }
}

export function blobMember(digest: string): string {
  return `blobs/${digest.replace(':', '/')}`;
}

/** Sorted, as a bundle has its blobs. */
export function byDigest<T extends { readonly digest: string }>(items: Iterable<T>): readonly T[] {
  return [...items].sort((a, b) => (a.digest < b.digest ? -1 : 1));
}
