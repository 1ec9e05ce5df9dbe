import * as v from 'valibot';
import { isDigest } from '../image/digest.ts';
import type { Platform } from '../image/platform.ts';

/** In characters: no registry or engine writes longer types, platforms or digests. */
const MAX_WORD = 255;

export const word = v.pipe(v.string(), v.maxLength(MAX_WORD));

/** image-spec, descriptor.md. A platform may have more fields, such as `os.version`. */
const entries = {
  mediaType: word,
  size: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  platform: v.optional(
    v.looseObject({
      os: v.optional(word),
      architecture: v.optional(word),
      variant: v.optional(word),
    }),
  ),
  annotations: v.optional(v.record(v.string(), v.string())),
};

/** A descriptor of a blob that berth fetches, and so must be able to verify. */
export const DescriptorSchema = v.object({
  ...entries,
  digest: v.pipe(v.string(), v.check(isDigest, 'expected sha256: and 64 hexadecimal digits')),
});

/**
 * A descriptor of index.json. Other tools may list there what only they can verify, so any
 * algorithm is allowed, and unknown fields stay when the file is written again.
 */
export const LooseDescriptorSchema = v.looseObject({
  ...entries,
  // image-spec, descriptor.md, "Digests".
  digest: v.pipe(word, v.regex(/^[a-z0-9]+([+._-][a-z0-9]+)*:[\w=-]+$/)),
});

export type Descriptor = v.InferOutput<typeof DescriptorSchema>;
export type LooseDescriptor = v.InferOutput<typeof LooseDescriptorSchema>;

/** The platform of a descriptor without an empty variant, which means none. */
export function platformOf({
  platform,
}: {
  readonly platform?: Descriptor['platform'];
}): Platform | undefined {
  if (platform === undefined) return undefined;
  const { os = '', architecture = '', variant } = platform;
  return { os, architecture, ...(variant ? { variant } : {}) };
}
