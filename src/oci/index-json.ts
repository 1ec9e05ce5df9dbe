import * as v from 'valibot';
import { checkBy } from '../common/check-by.ts';
import { isDigest } from '../image/digest.ts';
import { repositoryOf } from '../image/name.ts';
import type { Platform } from '../image/platform.ts';
import { INDEX_DIGEST, REF_NAME } from './annotations.ts';
import { type LooseDescriptor, LooseDescriptorSchema, platformOf } from './descriptor.ts';
import { documentFields } from './fields.ts';
import { OCI_INDEX } from './media-types.ts';
import { type Refusal, refusal } from './refusal.ts';
import { parseStrictJson } from './strict-json.ts';

/** In bytes, of an index.json: enough for some 100,000 names. */
export const MAX_INDEX_BYTES = 64 * 1024 * 1024;

/** The most bytes of an index.json that comes with a root: enough for some 25,000 names. */
export const MAX_BROUGHT_INDEX_BYTES = 16 * 1024 * 1024;

/** The index.json of a layout (image-spec, image-layout.md): the manifest that each name means. */
export type IndexJson = v.InferOutput<typeof schema>;

/** Loose, because fields that other tools wrote must be kept when the file is written again. */
const schema = v.looseObject({
  schemaVersion: v.literal(2),
  mediaType: v.optional(v.picklist([OCI_INDEX, ''])),
  manifests: v.array(LooseDescriptorSchema),
  config: v.optional(v.never()),
  layers: v.optional(v.never()),
  fsLayers: v.optional(v.never()),
});

/** Parses an index.json as strictly as every other document. */
export function parseIndexJson(
  content: Buffer,
): { readonly kind: 'index-json'; readonly index: IndexJson } | Refusal {
  const json = parseStrictJson(content);
  if (json.kind === 'refused') return json;
  const fields = documentFields(withList(json.value));
  if (fields.kind === 'refused') return fields;
  const checked = checkBy(schema, fields.fields);
  if (checked.success) return { kind: 'index-json', index: checked.output };
  const [issue] = checked.issues;
  return refusal('bad-field', `${v.getDotPath(issue) ?? 'the whole'}: ${issue.message}`);
}

/**
 * Go writes an empty list as null. A document without the field is no index: if it were read as an
 * empty one, all blobs of the store would seem unneeded.
 */
function withList(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('manifests' in value)) return value;
  return value.manifests === null ? Object.assign({}, value, { manifests: [] }) : value;
}

/** A name of a layout, and its meaning there. */
export interface Entry {
  /** With its registry. */
  readonly name: string;
  /** With its registry. */
  readonly repository: string;
  /** The digest of a manifest or of an index. */
  readonly digest: string;
  /** The index for which the name stands in its registry, if any. */
  readonly index?: string;
  /** The media type that index.json gives for the digest. */
  readonly mediaType: string;
  readonly platform?: Platform;
}

/** In characters: enough for the longest repository, tag and digest together. */
const MAX_NAME = 512;

/** The descriptors that have a name in the layout. */
export function namedEntries({ manifests }: IndexJson): readonly Entry[] | Refusal {
  const entries = manifests.flatMap((descriptor) => {
    const name = descriptor.annotations?.[REF_NAME];
    return name === undefined ? [] : [entryNamed(name, descriptor)];
  });
  return entries.map(wrongIn).find((wrong) => wrong !== undefined) ?? entries;
}

/** The entry for a name, made from its descriptor. */
export function entryNamed(name: string, descriptor: LooseDescriptor): Entry {
  const { mediaType, digest, annotations } = descriptor;
  const index = annotations?.[INDEX_DIGEST];
  const platform = platformOf(descriptor);
  return {
    name,
    repository: repositoryOf(name),
    mediaType,
    digest,
    ...(index === undefined ? {} : { index }),
    ...(platform === undefined ? {} : { platform }),
  };
}

function wrongIn({ name, digest, index = digest }: Entry): Refusal | undefined {
  if (name.length > MAX_NAME) {
    return refusal('bad-field', `a name of more than ${MAX_NAME} characters`);
  }
  if (isDigest(digest) && isDigest(index)) return undefined;
  return refusal('bad-field', `a digest of ${name} that is not sha256: and 64 hex digits`);
}
