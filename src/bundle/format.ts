import * as v from 'valibot';
import { checkBy } from '../common/check-by.ts';
import { API_VERSION } from '../common/version.ts';
import { isDigest } from '../image/digest.ts';
import type { Platform } from '../image/platform.ts';
import { MAX_DOCUMENT_BYTES } from '../oci/document.ts';
import { type Entry, namedEntries, parseIndexJson } from '../oci/index-json.ts';
import { SignaturesSchema } from '../oci/signatures.ts';
import { parseStrictJson } from '../oci/strict-json.ts';
import { type BundleError, bundleDamaged } from './failure.ts';

/**
 * The first members of a bundle, in this order. The manifests, indexes and configs follow, then the layers,
 * each by digest: so a reader of the stream knows the contents and their sizes before the first layer.
 */
export const MEMBERS = {
  layout: 'oci-layout',
  index: 'index.json',
  lock: 'lock.json',
  bundle: 'bundle.json',
} as const;

/** In bytes, of index.json, lock.json or bundle.json: enough for ten thousand images. */
export const MAX_MEMBER = 16 * 1024 * 1024;

/** In bytes, of all signatures: bundle.json holds them in base64, which is a third longer. */
export const MAX_ALL_SIGNATURES_BYTES = MAX_MEMBER / 2;

/** In bytes, of one manifest, index or config. */
export const MAX_DOCUMENT = MAX_DOCUMENT_BYTES;

/**
 * In bytes, of all manifests, indexes and configs, which are held in memory: enough for some two thousand
 * images.
 */
export const MAX_DOCUMENTS = 64 * 1024 * 1024;

const digest = v.pipe(v.string(), v.check(isDigest, 'expected sha256: and 64 hex digits'));

/** bundle.json: the facts about a bundle beside its images. */
const BundleSchema = v.object({
  apiVersion: v.literal(API_VERSION),
  kind: v.literal('Bundle'),
  /** Layers that the bundle leaves out: the host that loads it must have them. */
  omitted: v.array(digest),
  /** The signatures of manifests, as files in base64. */
  signatures: v.optional(v.record(digest, SignaturesSchema), {}),
});

/** bundle.json as it is written. */
export type BundleFile = v.InferInput<typeof BundleSchema>;

/** bundle.json as it was read. */
export type ReadBundleFile = v.InferOutput<typeof BundleSchema>;

/** An image of a bundle's index.json. */
export interface BundleEntry extends Entry {
  readonly platform: Platform;
  /** The size of the manifest, in bytes. */
  readonly size: number;
}

/** @throws {BundleError} `bundle-damaged` */
export function parseIndex(content: Buffer): readonly BundleEntry[] {
  const parsed = parseIndexJson(content);
  if (parsed.kind === 'refused') throw notAsWritten(MEMBERS.index, parsed.found);
  const { manifests } = parsed.index;
  const entries = namedEntries(parsed.index);
  if ('kind' in entries) throw notAsWritten(MEMBERS.index, entries.found);
  const sizes = manifests.map(({ size }) => size);
  const whole = entries.flatMap(({ platform, ...entry }, at) => {
    const size = sizes[at] ?? Number.POSITIVE_INFINITY;
    return platform === undefined || size > MAX_DOCUMENT ? [] : [{ ...entry, platform, size }];
  });
  if (whole.length === manifests.length) return whole;
  throw notAsWritten(MEMBERS.index, 'an entry without a name or a platform, or too large');
}

/** @throws {BundleError} `bundle-damaged` */
export function parseBundle(content: Buffer): ReadBundleFile {
  const json = parseStrictJson(content);
  if (json.kind === 'refused') throw notAsWritten(MEMBERS.bundle, json.found);
  const checked = checkBy(BundleSchema, json.value);
  if (checked.success) return checked.output;
  throw notAsWritten(MEMBERS.bundle, checked.issues[0].message);
}

function notAsWritten(path: string, found: string): BundleError {
  return bundleDamaged(`${path} as berth writes it`, found);
}

export function blobMember(digest: string): string {
  return `blobs/${digest.replace(':', '/')}`;
}

/** Sorts items as the blobs of a bundle are sorted. */
export function byDigest<T extends { readonly digest: string }>(items: Iterable<T>): readonly T[] {
  return [...items].sort((a, b) => (a.digest < b.digest ? -1 : 1));
}
