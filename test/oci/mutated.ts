import fc from 'fast-check';
import { sampleOf } from './documents.ts';
import { config, DOCKER, foreign, index, layer, manifest, OCI, sha512 } from './samples.ts';
import type { Sample } from './sources.ts';

type Path = readonly (string | number)[];

/** A change of one field; undefined takes it away. */
interface Edit {
  readonly path: Path;
  readonly value: unknown;
}

/** A document with some fields that are odd, missing or null, and what it was made from. */
export interface Mutated extends Sample {
  readonly document: Readonly<Record<string, unknown>>;
}

const platform = { os: 'linux', architecture: 'amd64' };
const [entry] = index.manifests;

interface Base {
  readonly mediaType: string;
  readonly document: object;
}

const dockerManifest = {
  schemaVersion: 2,
  mediaType: DOCKER.manifest,
  config: { ...config, mediaType: 'application/vnd.docker.container.image.v1+json' },
  layers: [{ ...layer, mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip' }],
};

const manifests: readonly Base[] = [
  { mediaType: OCI.manifest, document: { ...manifest, layers: [layer, foreign] } },
  { mediaType: DOCKER.manifest, document: dockerManifest },
  { mediaType: OCI.manifest, document: dockerManifest },
];

const entries = [
  { ...entry, digest: layer.digest, platform: { os: 'linux', architecture: 'arm64' } },
  { ...entry, platform },
  { ...entry, digest: config.digest, platform: { os: 'unknown', architecture: 'unknown' } },
];

const indexes: readonly Base[] = [OCI.index, DOCKER.index].flatMap((called) =>
  [OCI.index, DOCKER.index].map((own) => ({
    mediaType: called,
    document: { ...index, mediaType: own, manifests: entries },
  })),
);

const ofDescriptor = ['mediaType', 'digest', 'size', 'urls', 'annotations', 'platform', 'data'];
const ofDocument = ['schemaVersion', 'mediaType', 'artifactType', 'annotations', 'subject'];
const below = (path: Path, names: readonly string[]): Path[] =>
  names.map((name) => [...path, name]);

const manifestPaths: readonly Path[] = [
  ...below([], [...ofDocument, 'config', 'layers', 'manifests']),
  ...below(['config'], ofDescriptor),
  ['layers', 0],
  ...below(['layers', 0], ofDescriptor),
];

const indexPaths: readonly Path[] = [
  ...below([], [...ofDocument, 'config', 'layers', 'manifests']),
  ...[0, 1, 2].flatMap((at): Path[] => [
    ['manifests', at],
    ...below(['manifests', at], ofDescriptor),
    ...below(
      ['manifests', at, 'platform'],
      ['os', 'architecture', 'variant', 'os.version', 'os.features'],
    ),
  ]),
];

const value = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(undefined, null) },
  {
    weight: 2,
    arbitrary: fc.constantFrom<unknown>('', {}, [], [null], { a: null }, 0, -1, 7, 'text', sha512),
  },
);

const edits = (paths: readonly Path[]): fc.Arbitrary<readonly Edit[]> =>
  fc.array(fc.record({ path: fc.constantFrom(...paths), value }), { minLength: 1, maxLength: 3 });

export const mutated: fc.Arbitrary<Mutated> = fc.oneof(
  fc.tuple(fc.constantFrom(...manifests), edits(manifestPaths)).map(made),
  fc.tuple(fc.constantFrom(...indexes), edits(indexPaths)).map(made),
);

function made([{ mediaType, document }, changes]: readonly [Base, readonly Edit[]]): Mutated {
  const copy: Record<string, unknown> = structuredClone({ ...document });
  for (const { path, value: to } of changes) change(copy, path, to);
  return { ...sampleOf(mediaType, copy), document: copy };
}

function change(within: object, [key = '', ...rest]: Path, to: unknown): void {
  const next: unknown = Reflect.get(within, key);
  if (rest.length === 0) {
    if (to === undefined) Reflect.deleteProperty(within, key);
    else Reflect.set(within, key, to);
  } else if (typeof next === 'object' && next !== null) change(next, rest, to);
}

/**
 * Why berth refuses a document that skopeo takes, as docs/registries.md says; undefined if it has no reason to.
 */
export function refusedBecause({ document, mediaType }: Mutated): string | undefined {
  const { schemaVersion, mediaType: own } = document;
  if (![undefined, null, 0, 2].includes(schemaVersion as number)) return 'another version';
  const isIndex = mediaType === OCI.index || mediaType === DOCKER.index;
  const kinds: readonly unknown[] = isIndex
    ? [OCI.index, DOCKER.index]
    : [OCI.manifest, DOCKER.manifest];
  if (own !== undefined && own !== null && own !== '' && !kinds.includes(own))
    return 'another type';
  if (isIndex) return undefined;
  if (document['config'] === undefined || document['config'] === null) return 'no config';
  const layers: readonly unknown[] = Array.isArray(document['layers']) ? document['layers'] : [];
  const sizes = new Map<unknown, unknown>();
  for (const descriptor of [document['config'], ...layers]) {
    const { digest, size }: { digest?: unknown; size?: unknown } = Object(descriptor);
    if (typeof size !== 'number' || size < 0) return 'a blob without a size';
    if (sizes.has(digest) && sizes.get(digest) !== size) return 'a digest with two sizes';
    if ([config, layer].some((known) => known.digest === digest && known.size !== size)) {
      return 'a wrong size';
    }
    sizes.set(digest, size);
  }
  return undefined;
}
