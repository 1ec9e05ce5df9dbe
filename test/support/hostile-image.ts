import fc from 'fast-check';
import { sha256 } from '../../src/image/digest.ts';
import type { BuiltImage, BuiltManifest } from './image-builder.ts';

/** The JSON of a manifest, as far as tests change it. */
interface Fields {
  mediaType?: unknown;
  config: Record<string, unknown>;
  layers: Record<string, unknown>[];
  [other: string]: unknown;
}

/** Changes the manifests of an image, and sees to it that what names them names them still. */
export function rewritten(image: BuiltImage, change: (fields: Fields) => unknown): BuiltImage {
  const manifests = image.manifests.map((manifest) =>
    withContent(manifest, JSON.stringify(change(JSON.parse(manifest.content.toString())))),
  );
  const [first] = manifests;
  if (first === undefined) throw new Error('expected an image with a manifest');
  if (image.top === image.manifests[0]) return { ...image, top: first, manifests };
  const index: { manifests: { digest: string; size: number }[] } = JSON.parse(
    image.top.content.toString(),
  );
  for (const [i, entry] of index.manifests.entries()) {
    const manifest = manifests[i];
    if (manifest !== undefined) {
      entry.digest = manifest.digest;
      entry.size = manifest.content.length;
    }
  }
  return { ...image, top: withContent(image.top, JSON.stringify(index)), manifests };
}

/** An index that has an index, and so on, with the image at the bottom. */
export function nested(image: BuiltImage, depth: number): BuiltImage {
  const mediaType = 'application/vnd.oci.image.index.v1+json';
  const indexes: BuiltManifest[] = [image.top];
  for (let level = 0; level < depth; level++) {
    const [inner] = indexes;
    if (inner === undefined) break;
    const { digest, content } = inner;
    const platform = { os: 'linux', architecture: 'amd64' };
    const entry = { mediaType: inner.mediaType, digest, size: content.length, platform };
    const index = { schemaVersion: 2, mediaType, manifests: [entry] };
    indexes.unshift(
      withContent({ mediaType, digest: '', content: Buffer.alloc(0) }, JSON.stringify(index)),
    );
  }
  const [top = image.top, ...rest] = indexes;
  return { ...image, top, manifests: [...rest, ...image.manifests] };
}

/** Digests that are none, or that lead out of a directory if they are taken for a path. */
export const badDigests: readonly string[] = [
  'sha256:../../../../../etc/passwd',
  '../../../../etc/passwd',
  `sha256:${'0'.repeat(63)}/`,
  `sha256:${'A'.repeat(64)}`,
  `sha512:${'0'.repeat(128)}`,
  `sha256:${'0'.repeat(64)}\u0000`,
  `sha256:${'0'.repeat(64)}\n`,
  'sha256:',
  '',
  '__proto__',
];

function withContent(manifest: BuiltManifest, text: string): BuiltManifest {
  const content = Buffer.from(text);
  return { ...manifest, digest: sha256(content), content };
}

/** A way in which an image is what no honest tool makes. Prints as what it is. */
export interface Hostility {
  readonly what: string;
  readonly apply: (image: BuiltImage) => BuiltImage;
}

function hostility(what: string, value: unknown, apply: Hostility['apply']): Hostility {
  // Not shown where fast-check prints what it has found.
  return Object.defineProperty(
    { what: `${what}: ${JSON.stringify(value)}` } as Hostility,
    'apply',
    {
      value: apply,
    },
  );
}

/** Changes each manifest's fields. */
function change(what: string, value: unknown, of: (fields: Fields) => unknown): Hostility {
  return hostility(what, value, (image) => rewritten(image, of));
}

function layer(fields: Fields, at: number): Record<string, unknown> {
  return fields.layers[at % fields.layers.length] ?? {};
}

const sizes = fc.constantFrom<unknown>(0, 1, -1, 1.5, 2 ** 53, 1e300, '12', null, 10 * 2 ** 40);

/** Images that berth must neither keep nor stumble over. */
export const hostilities: fc.Arbitrary<Hostility> = fc.oneof(
  fc.tuple(sizes, fc.nat({ max: 3 })).map(([size, at]) =>
    change('a layer of size', size, (fields) => {
      Object.assign(layer(fields, at), { size });
      return fields;
    }),
  ),
  fc.constantFrom(-1, 1).map((more) =>
    change('a layer larger than it is by', more, (fields) => {
      const lying = layer(fields, 0);
      lying['size'] = Number(lying['size']) + more;
      return fields;
    }),
  ),
  sizes.map((size) =>
    change('a config of size', size, (fields) => ({
      ...fields,
      config: { ...fields.config, size },
    })),
  ),
  fc.constantFrom(...badDigests).map((digest) =>
    change('a layer with the digest', digest, (fields) => {
      Object.assign(layer(fields, 0), { digest });
      return fields;
    }),
  ),
  fc.constantFrom(...badDigests).map((digest) =>
    change('a config with the digest', digest, (fields) => ({
      ...fields,
      config: { ...fields.config, digest },
    })),
  ),
  fc.constant(
    change('one digest with two sizes', 2, (fields) => {
      const first = layer(fields, 0);
      const second = { ...first, size: Number(first['size']) + 1 };
      return { ...fields, layers: [...fields.layers, second] };
    }),
  ),
  fc.constant(
    change('layers that nobody has', 1, (fields) => ({
      ...fields,
      layers: [...fields.layers, { ...layer(fields, 0), digest: sha256(Buffer.from('nobody')) }],
    })),
  ),
  fc
    .constantFrom<unknown>('text/plain', 7, null, 'application/vnd.oci.image.index.v1+json')
    .map((mediaType) => change('the type', mediaType, (fields) => ({ ...fields, mediaType }))),
  fc
    .constantFrom<unknown>(null, 7, 'x', [], {}, { schemaVersion: 2 })
    .map((whole) => change('a manifest that is', whole, () => whole)),
  // CVE-2021-41190.
  fc.constant(change('manifest and index in one', 2, (fields) => ({ ...fields, manifests: [] }))),
  fc
    .integer({ min: 2, max: 5 })
    .map((depth) => hostility('indexes in indexes', depth, (image) => nested(image, depth))),
);
