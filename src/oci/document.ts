import * as v from 'valibot';
import { checkBy } from '../common/check-by.ts';
import { onceFor } from '../common/once-for.ts';
import { isDigest } from '../image/digest.ts';
import { choosePlatform, type Platform } from '../image/platform.ts';
import type { Blob } from '../image/resolved.ts';
import {
  type Descriptor,
  DescriptorSchema,
  type Entry,
  EntrySchema,
  platformOf,
  word,
} from './descriptor.ts';
import { documentFields } from './fields.ts';
import { agree, kindOfType, OCI_INDEX, OCI_MANIFEST } from './media-types.ts';
import { type Refusal, refusal } from './refusal.ts';
import { parseStrictJson } from './strict-json.ts';

/** In bytes, of a manifest, index or config: distribution-spec, "Pushing Manifests". */
export const MAX_DOCUMENT_BYTES = 4 * 1024 * 1024;

export type Document = Index | ImageManifest;

/** image-spec, image-index.md, or Docker's manifest list. */
export interface Index {
  readonly kind: 'index';
  readonly mediaType: string;
  /** The entries with a digest that berth can check. */
  readonly entries: readonly IndexEntry[];
  /** Every entry, also one whose digest berth can't check, such as sha512, or that has none. */
  readonly listed: readonly IndexEntry[];
}

export interface IndexEntry {
  /** The type under which the index lists the document; empty if it gives none. */
  readonly mediaType: string;
  readonly digest: string;
  readonly platform?: Platform;
}

/** image-spec, manifest.md, or Docker's schema 2. */
export interface ImageManifest {
  readonly kind: 'manifest';
  readonly mediaType: string;
  readonly config: Blob;
  /** The layers from the base up. */
  readonly layers: readonly Layer[];
}

export interface Layer extends Blob {
  readonly annotations: Readonly<Record<string, string>>;
}

/** The claims of a document's source about it. */
export interface Claims {
  /** The document's media type: a registry's `Content-Type`, or that in a layout's index.json. */
  readonly mediaType?: string | undefined;
  /** The media type under which an index lists the document. */
  readonly listedAs?: string | undefined;
}

/**
 * Parses a manifest or index of any origin. The caller checks the digest of the bytes.
 *
 * The claims, the document's own media type and its fields must all agree on one kind. A document that two
 * readers could take for two kinds would mean two images under one digest (CVE-2021-41190). Apart from that
 * a document is read as other programs read it, which are written in Go.
 */
export function parseDocument(content: Buffer, claims: Claims = {}): Document | Refusal {
  const json = parseStrictJson(content);
  if (json.kind === 'refused') return json;
  const many = tooMany(json.value);
  if (many !== undefined) return many;
  const fields = documentFields(json.value);
  if (fields.kind === 'refused') return fields;
  const checked = checkBy(schema, fields.fields);
  if (!checked.success) {
    const [issue] = checked.issues;
    return refusal('bad-field', `${v.getDotPath(issue) ?? 'the whole'}: ${issue.message}`);
  }
  const document = ofOneKind(checked.output, claims);
  if (document.kind !== 'manifest') return document;
  return sizedTwice(blobsOf(document)) ?? document;
}

/**
 * The entry of an index that podman would choose for a platform.
 *
 * @returns undefined if there is none, or if berth can't check its digest.
 */
export function chooseEntry({ listed }: Index, platform: Platform): IndexEntry | undefined {
  const entry = choosePlatform(listed, platform);
  return entry !== undefined && isDigest(entry.digest) ? entry : undefined;
}

/** The media type of a document that was accepted before. */
export function mediaTypeOf(content: Buffer): string {
  const document = parseDocument(content);
  return document.kind === 'refused' ? OCI_MANIFEST : document.mediaType;
}

/**
 * Every blob of an image: its config first, then the layers from the base up. The same list for all names
 * of one manifest.
 */
export const blobsOf = onceFor(({ config, layers }: ImageManifest): readonly Blob[] => [
  config,
  ...layers.map(blobOf),
]);

const schema = v.object({
  // A program in Go that does not set the version writes 0.
  schemaVersion: v.optional(v.picklist([0, 1, 2]), 2),
  mediaType: v.optional(word, ''),
  manifests: v.optional(v.array(EntrySchema)),
  config: v.optional(DescriptorSchema),
  layers: v.optional(v.array(DescriptorSchema)),
  fsLayers: v.optional(v.unknown()),
  history: v.optional(v.unknown()),
});

type Fields = v.InferOutput<typeof schema>;

function ofOneKind(fields: Fields, { mediaType, listedAs }: Claims): Document | Refusal {
  const own = fields.mediaType === '' ? (mediaType ?? typeByFields(fields)) : fields.mediaType;
  if (fields.schemaVersion === 1 || /docker\.distribution\.manifest\.v1\+/.test(own)) {
    return refusal('schema-1', 'Docker schema 1, which no engine takes any more');
  }
  if (mediaType !== undefined && !agree(mediaType, own)) {
    return refusal('media-type', `one that calls itself ${JSON.stringify(own)}`);
  }
  const document = byFields(fields, own);
  const listed = kindOfType(listedAs ?? '') ?? document.kind;
  if (document.kind === 'refused' || document.kind === listed) return document;
  return refusal('media-type', `a ${document.kind}, listed as ${JSON.stringify(listedAs)}`);
}

/** image-spec lets a document leave out its type, and then its fields tell the kind. */
function typeByFields({ manifests }: Fields): string {
  return manifests === undefined ? OCI_MANIFEST : OCI_INDEX;
}

function byFields(fields: Fields, mediaType: string): Document | Refusal {
  const { manifests, config, layers, fsLayers, history } = fields;
  const kind = fsLayers === undefined && history === undefined ? kindOfType(mediaType) : undefined;
  if (kind === 'index' && manifests !== undefined && !config && !layers) {
    const listed = manifests.map(entryOf);
    return { kind, mediaType, entries: listed.filter(({ digest }) => isDigest(digest)), listed };
  }
  if (kind === 'manifest' && config !== undefined && !manifests) {
    return { kind, mediaType, config: blobOf(config), layers: (layers ?? []).map(layerOf) };
  }
  const found = `fields that do not make one of the type ${JSON.stringify(mediaType)}`;
  return refusal('ambiguous', found);
}

/** Turns a descriptor into an entry of an index. */
export function entryOf(descriptor: Entry): IndexEntry {
  const { mediaType, digest } = descriptor;
  const platform = platformOf(descriptor);
  return { mediaType, digest, ...(platform === undefined ? {} : { platform }) };
}

function blobOf({ mediaType, digest, size }: Blob): Blob {
  return { mediaType, digest, size };
}

function layerOf(descriptor: Descriptor): Layer {
  return { ...blobOf(descriptor), annotations: descriptor.annotations ?? {} };
}

/** The most layers of an image. Engines stack at most 500 (containers/storage, overlay: `lower` of a page). */
const MAX_LAYERS = 1_000;

/** The most entries of an index: more than any image has platforms. */
const MAX_ENTRIES = 10_000;

/** Refuses a document before its parts are looked at: four megabytes have room for two million. */
function tooMany(value: unknown): Refusal | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const lengthOf = (list: unknown) => (Array.isArray(list) ? list.length : 0);
  const layers = 'layers' in value ? lengthOf(value.layers) : 0;
  const entries = 'manifests' in value ? lengthOf(value.manifests) : 0;
  if (layers > MAX_LAYERS) {
    return refusal('too-many-layers', `${layers} layers, where berth takes ${MAX_LAYERS}`);
  }
  return entries > MAX_ENTRIES
    ? refusal('too-many-entries', `${entries} entries, where berth takes ${MAX_ENTRIES}`)
    : undefined;
}

/**
 * Refuses blobs with two sizes: one size is wrong, and a reader that trusts it may take a part for the
 * whole.
 */
function sizedTwice(blobs: readonly Blob[]): Refusal | undefined {
  const sizes = new Map<string, number>();
  for (const { digest, size } of blobs) {
    const known = sizes.get(digest) ?? size;
    if (known !== size) {
      return refusal('two-sizes', `${digest} with ${known} and with ${size} bytes`);
    }
    sizes.set(digest, size);
  }
  return undefined;
}
