import * as v from 'valibot';
import { isDigest } from '../image/digest.ts';
import type { Platform } from '../image/platform.ts';
import type { Blob } from '../image/resolved.ts';
import type { Endpoint } from '../registry/endpoint.ts';
import type { RegistryError } from '../registry/errors.ts';
import { failure } from '../registry/failure.ts';

/** What a manifest or index says, as far as berth needs it. */
export type ManifestDocument =
  | {
      readonly kind: 'index';
      readonly entries: readonly { readonly digest: string; readonly platform?: Platform }[];
    }
  | {
      readonly kind: 'manifest';
      readonly config: Blob;
      /** From the base up. */
      readonly layers: readonly Blob[];
    };

const INDEX_TYPES: readonly string[] = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
];

const MANIFEST_TYPES: readonly string[] = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
];

/** What to ask registries for. */
export const ACCEPTED_TYPES = [...INDEX_TYPES, ...MANIFEST_TYPES].join(', ');

/**
 * Reads a manifest whose bytes are known to be right.
 *
 * It must be of one kind by its media type, by what it says of itself and by its fields: one that
 * could be read as either would mean two images under one digest (CVE-2021-41190).
 *
 * @throws {RegistryError} `bad-reply`
 */
export function readManifest(place: Asked, { mediaType, content }: Manifest): ManifestDocument {
  const checked = v.safeParse(schema, parse(place, content));
  if (!checked.success) {
    const [issue] = checked.issues;
    throw wrong(place, `${v.getDotPath(issue) ?? 'the whole'}: ${issue.message}`);
  }
  const { output } = checked;
  const own = output.mediaType ?? mediaType;
  if (output.schemaVersion === 1 || /docker\.distribution\.manifest\.v1\+/.test(own)) {
    throw wrong(place, 'Docker schema 1, which no engine takes any more');
  }
  if (own !== mediaType) throw wrong(place, `one that calls itself ${JSON.stringify(own)}`);
  const { manifests, config, layers } = output;
  if (INDEX_TYPES.includes(own) && manifests !== undefined && !config && !layers) {
    return { kind: 'index', entries: manifests.map(entryOf) };
  }
  if (MANIFEST_TYPES.includes(own) && config !== undefined && layers && !manifests) {
    for (const layer of layers) refuseForeign(place, layer.mediaType);
    refuseTwoSizes(place, [config, ...layers]);
    return { kind: 'manifest', config: blobOf(config), layers: layers.map(blobOf) };
  }
  throw wrong(place, `fields that do not make one of the type ${JSON.stringify(own)}`);
}

const name = v.pipe(v.string(), v.maxLength(255));
const descriptor = v.object({
  mediaType: name,
  digest: v.pipe(v.string(), v.check(isDigest, 'expected sha256: and 64 hexadecimal digits')),
  size: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  platform: v.optional(v.object({ os: name, architecture: name, variant: v.optional(name) })),
});

const schema = v.object({
  schemaVersion: v.number(),
  mediaType: v.optional(name),
  manifests: v.optional(v.array(descriptor)),
  config: v.optional(descriptor),
  layers: v.optional(v.array(descriptor)),
});

/** Where the manifest was asked for. */
type Asked = Pick<Endpoint, 'registry' | 'repository' | 'reference'>;

type Descriptor = v.InferOutput<typeof descriptor>;

function parse(place: Asked, content: Buffer): unknown {
  try {
    return JSON.parse(content.toString('utf8'));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw wrong(place, 'something that is not JSON');
  }
}

function blobOf({ mediaType, digest, size }: Descriptor): Blob {
  return { mediaType, digest, size };
}

function entryOf({ digest, platform }: Descriptor) {
  if (platform === undefined) return { digest };
  const { os, architecture, variant } = platform;
  return { digest, platform: { os, architecture, ...(variant ? { variant } : {}) } };
}

function refuseForeign(place: Asked, mediaType: string): void {
  if (/\.nondistributable\.|\.foreign\./.test(mediaType)) {
    throw wrong(place, 'a layer that must be fetched from elsewhere, which berth does not do');
  }
}

/** One of them is a lie, and who believes the other would call the image whole. */
function refuseTwoSizes(place: Asked, blobs: readonly Descriptor[]): void {
  const sizes = new Map<string, number>();
  for (const { digest, size } of blobs) {
    const known = sizes.get(digest) ?? size;
    if (known !== size) throw wrong(place, `${digest} with ${known} and with ${size} bytes`);
    sizes.set(digest, size);
  }
}

function wrong(place: Asked, found: string): RegistryError {
  return failure('bad-reply', place, `a manifest for ${place.reference}`, found, {
    hint: 'push the image anew with a current tool; berth takes OCI images and Docker schema 2',
  });
}

export interface Manifest {
  readonly mediaType: string;
  readonly digest: string;
  readonly content: Buffer;
}
