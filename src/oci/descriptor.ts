import * as v from 'valibot';
import { isDigest } from '../image/digest.ts';
import type { Platform } from '../image/platform.ts';

/** In characters: no registry or engine writes longer types, platforms or digests. */
const MAX_WORD = 255;

export const word = v.pipe(v.string(), v.maxLength(MAX_WORD));

const size = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

const annotations = v.optional(v.record(v.string(), v.string()));

/** A platform may have more fields, such as `os.version`. */
const platform = v.optional(
  v.looseObject({
    os: v.optional(word),
    architecture: v.optional(word),
    variant: v.optional(word),
  }),
);

/** A descriptor of a blob that berth fetches, and so must be able to verify: image-spec, descriptor.md. */
export const DescriptorSchema = v.object({
  mediaType: v.optional(word, ''),
  digest: v.pipe(v.string(), v.check(isDigest, 'expected sha256: and 64 hexadecimal digits')),
  size,
  // Docker's descriptors have no annotations, so that its readers take whatever stands there.
  annotations: v.fallback(annotations, undefined),
});

/**
 * A descriptor in an index. Most entries are for other platforms than the wanted one, and need not be
 * understood: a missing field counts as empty, as for programs in Go, and the size is not read at all.
 */
export const EntrySchema = v.object({
  mediaType: v.optional(v.string(), ''),
  digest: v.optional(v.string(), ''),
  platform,
});

/**
 * A descriptor of index.json. Other tools may list entries that only they can verify, so any digest
 * algorithm is allowed, and unknown fields are kept when the file is written again.
 */
export const LooseDescriptorSchema = v.looseObject({
  mediaType: word,
  // image-spec, descriptor.md, "Digests".
  digest: v.pipe(word, v.regex(/^[a-z0-9]+([+._-][a-z0-9]+)*:[\w=-]+$/)),
  size,
  platform,
  annotations,
});

export type Descriptor = v.InferOutput<typeof DescriptorSchema>;
export type Entry = v.InferOutput<typeof EntrySchema>;
export type LooseDescriptor = v.InferOutput<typeof LooseDescriptorSchema>;

/** The platform of a descriptor without an empty variant, which means none. */
export function platformOf({
  platform,
}: {
  readonly platform?: Entry['platform'];
}): Platform | undefined {
  if (platform === undefined) return undefined;
  const { os = '', architecture = '', variant } = platform;
  return { os, architecture, ...(variant ? { variant } : {}) };
}
