import fc from 'fast-check';
import { hostPlatform } from '../../../src/image/platform.ts';
import type { Change, Spelling } from './document.ts';
import type { OddImage, OddLayer } from './image.ts';
import { often } from './often.ts';

const SHA512 = `"sha512:${'1'.repeat(128)}"`;
const ABSENT_DIGEST = `"sha256:${'2'.repeat(64)}"`;
const MANIFEST = '"application/vnd.oci.image.manifest.v1+json"';
const DOCKER_MANIFEST = '"application/vnd.docker.distribution.manifest.v2+json"';
const INDEX = '"application/vnd.oci.image.index.v1+json"';

/** What tools in Go write for a field that they don't set, and what else was seen in its place. */
const VALUES = ['', '', '', 'null', 'null', 'null', '""', '{}', '[]', '0'] as const;
const STRANGE = [
  '-1',
  '1',
  '1.5',
  '2.0',
  '1e2',
  'true',
  '"x"',
  '[null]',
  '["x"]',
  '{"a":"b"}',
  '{"a":1}',
  '{"a":null}',
  '[{}]',
  SHA512,
  '"sha256:short"',
  MANIFEST,
  DOCKER_MANIFEST,
  INDEX,
] as const;

const ANY_DOCUMENT = [
  'schemaVersion',
  'mediaType',
  'artifactType',
  'subject',
  'annotations',
  'annotations/a',
  'signatures',
  'tag',
  'unknown',
] as const;

const DESCRIPTOR = [
  'mediaType',
  'digest',
  'size',
  'urls',
  'data',
  'annotations',
  'artifactType',
  'platform',
  'unknown',
] as const;

const PLATFORM = [
  'platform',
  'platform/os',
  'platform/architecture',
  'platform/variant',
  'platform/os.version',
  'platform/os.features',
  'platform/features',
  'platform/unknown',
] as const;

/** What indexes have for the platform of this machine. */
const SPELLED = [
  '"v1"',
  '"v2"',
  '"V8"',
  '"Linux"',
  '"x86_64"',
  '"AMD64"',
  '"10.0.1"',
  '["sse4"]',
  '[]',
  '""',
];

const MANIFEST_FIELDS = [
  ...ANY_DOCUMENT,
  'config',
  'layers',
  'fsLayers',
  'history',
  'manifests',
  'Layers',
  'blobs',
  'layers/0',
  'layers/+0',
  ...DESCRIPTOR.map((name) => `config/${name}`),
  ...DESCRIPTOR.map((name) => `layers/0/${name}`),
  ...DESCRIPTOR.map((name) => `layers/1/${name}`),
  'layers/0/Size',
];

const INDEX_FIELDS = [
  ...ANY_DOCUMENT,
  'manifests',
  'config',
  'layers',
  'fsLayers',
  'Manifests',
  'manifests/0',
  // The entry for another platform is made odd as often as the entry for this platform.
  ...[...DESCRIPTOR, ...PLATFORM].flatMap((name) => [`manifests/0/${name}`, `manifests/1/${name}`]),
  ...DESCRIPTOR.map((name) => `manifests/0/${name}`),
];

const CONFIG_FIELDS = [
  'os',
  'architecture',
  'variant',
  'created',
  'author',
  'config',
  'config/Labels',
  'config/Env',
  'rootfs',
  'rootfs/type',
  'rootfs/diff_ids',
  'rootfs/diff_ids/0',
  'history',
  'history/0',
  'history/0/empty_layer',
  'unknown',
];

/** Entries that indexes have besides those of images. */
const ENTRIES = [
  'null',
  '{}',
  `{"mediaType":${MANIFEST},"digest":${ABSENT_DIGEST},"size":7,"platform":{"os":"unknown","architecture":"unknown"},"annotations":{"vnd.docker.reference.type":"attestation-manifest"}}`,
  `{"mediaType":${MANIFEST},"digest":${SHA512},"size":7,"platform":{"os":"linux","architecture":"mips"}}`,
  `{"mediaType":${MANIFEST},"digest":${ABSENT_DIGEST},"platform":{"os":"linux","architecture":"mips"}}`,
  `{"mediaType":${MANIFEST},"digest":${ABSENT_DIGEST},"size":-1,"platform":{"os":"windows","architecture":"amd64","os.version":"10.0.17763.1","os.features":["win32k"]}}`,
  `{"mediaType":${MANIFEST},"digest":${ABSENT_DIGEST},"size":7,"platform":null}`,
  `{"mediaType":${MANIFEST},"digest":${ABSENT_DIGEST},"size":7,"platform":{}}`,
  `{"mediaType":${MANIFEST},"digest":${ABSENT_DIGEST},"size":7,"platform":{"os":"linux","architecture":"arm64","variant":"v8"}}`,
  `{"mediaType":${MANIFEST},"digest":"not a digest","size":7,"platform":{"os":"linux","architecture":"mips"}}`,
  `{"mediaType":${INDEX},"digest":${ABSENT_DIGEST},"size":7}`,
  `{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":${ABSENT_DIGEST},"size":7,"urls":["http://127.0.0.1:1/x"]}`,
  `{"mediaType":"","digest":${ABSENT_DIGEST},"size":7,"platform":{"os":"linux","architecture":"mips"}}`,
  `{"artifactType":"application/x","digest":${ABSENT_DIGEST},"size":7,"platform":{"os":"linux","architecture":"mips"}}`,
];

const ABSENT = { digest: `sha256:${'2'.repeat(64)}`, size: 7 };

/** Entries for this machine, of an image that is nowhere. */
const RIVALS = [
  {},
  { variant: 'v1' },
  { variant: 'v2' },
  { variant: 'v9' },
  { 'os.version': '1' },
  { 'os.features': ['x'] },
].map((more) =>
  JSON.stringify({
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    ...ABSENT,
    platform: { ...hostPlatform(), ...more },
  }),
);

const CONFIG_TYPES = [
  '"application/vnd.oci.empty.v1+json"',
  '"application/vnd.cncf.helm.config.v1+json"',
  '"application/vnd.wasm.config.v0+json"',
  '"application/vnd.docker.plugin.v1+json"',
  '"application/vnd.docker.container.image.v1+json"',
  '"application/vnd.oci.image.config.v1+json"',
  '"application/json"',
];

const LAYER_TYPES = [
  'application/vnd.oci.image.layer.v1.tar+gzip',
  'application/vnd.oci.image.layer.v1.tar',
  'application/vnd.oci.image.layer.v1.tar+zstd',
  'application/vnd.oci.image.layer.nondistributable.v1.tar',
  'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
  'application/vnd.docker.image.rootfs.diff.tar.gzip',
  'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
  'application/vnd.docker.image.rootfs.foreign.diff.tar',
  'application/vnd.oci.image.layer.v1.tar+gzip+encrypted',
  'application/vnd.oci.empty.v1+json',
  'application/octet-stream',
  'application/x-tar',
  'text/plain',
  '',
];

const SPELLINGS = [
  'pretty',
  'pretty',
  'spaces around',
  'byte order mark',
  'more behind',
  'escaped keys',
  'repeated key',
  'repeated annotation',
  'not UTF-8',
  'cut',
] as const satisfies readonly Spelling[];

/** At most a few changes, and mostly none, so that most images are ones that skopeo takes. */
function changes(fields: readonly string[]): fc.Arbitrary<readonly Change[]> {
  const change = fc.record({
    at: fc.constantFrom(...fields),
    to: fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(...VALUES) },
      { weight: 1, arbitrary: fc.constantFrom(...STRANGE) },
    ),
  });
  return often([], fc.array(change, { minLength: 1, maxLength: 2 }), 4);
}

const platform = fc.record({
  at: fc
    .constantFrom(...PLATFORM, 'platform/variant', 'platform/architecture')
    .map((field) => `manifests/1/${field}`),
  to: fc.constantFrom(...SPELLED),
});

const entry = fc.oneof(
  fc.record({
    at: fc.constantFrom('manifests/+0', 'manifests/+1', 'manifests/+9'),
    to: fc.constantFrom(...ENTRIES),
  }),
  fc.record({
    at: fc.constantFrom('manifests/+0', 'manifests/+9', 'manifests/+9'),
    to: fc.constantFrom(...RIVALS),
  }),
  platform,
);

const entries = often([], fc.array(entry, { minLength: 1, maxLength: 2 }), 2);

const configType = often(
  [],
  fc.constantFrom(...CONFIG_TYPES).map((to) => [{ at: 'config/mediaType', to }]),
  9,
);

const layer: fc.Arbitrary<OddLayer> = fc.record({
  packed: often('gzip', fc.constantFrom('zstd', 'not', 'not', 'nothing at all'), 4),
  bytes: fc.constantFrom(0, 100, 3000, 150_000),
  type: often(undefined, fc.constantFrom(...LAYER_TYPES), 14),
  urls: often('none', fc.constantFrom('dead', 'elsewhere'), 20),
  isThere: often(true, fc.constant(false), 30),
});

export const images: fc.Arbitrary<OddImage> = fc
  .record({
    format: fc.constantFrom('oci', 'docker'),
    isIndexed: fc.boolean(),
    isNested: often(false, fc.constant(true), 30),
    isSchema1: often(false, fc.constant(true), 30),
    layers: fc.oneof(
      { weight: 30, arbitrary: fc.array(layer, { minLength: 1, maxLength: 3 }) },
      { weight: 1, arbitrary: fc.constant([]) },
    ),
    config: changes(CONFIG_FIELDS),
    manifest: changes(MANIFEST_FIELDS),
    index: changes(INDEX_FIELDS),
    entries,
    configType,
    spelling: often(undefined, fc.constantFrom(...SPELLINGS), 14),
  })
  .map(({ entries: more, configType: type, manifest, index, ...rest }) => ({
    ...rest,
    manifest: [...manifest, ...type],
    index: [...index, ...more],
  }));
