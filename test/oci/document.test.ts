import assert from 'node:assert/strict';
import test from 'node:test';
import { blobsOf, type Claims, chooseEntry, parseDocument } from '../../src/oci/document.ts';
import type { RefusalCode } from '../../src/oci/refusal.ts';
import { config, DOCKER, index, layer, manifest, OCI, sha512 } from './samples.ts';

const parse = (document: unknown, source?: Claims) =>
  parseDocument(Buffer.from(JSON.stringify(document)), source);

test('a manifest says which blobs make an image', () => {
  const document = parse({ ...manifest, layers: [{ ...layer, annotations: { a: 'b' } }] });
  assert.ok(document.kind === 'manifest');
  assert.equal(document.mediaType, OCI.manifest);
  assert.deepEqual(document.layers, [{ ...layer, annotations: { a: 'b' } }]);
  assert.deepEqual(blobsOf(document), [config, layer]);
});

test('an index says which documents serve which platforms', () => {
  const platform = { os: 'linux', architecture: 'arm', variant: '', 'os.version': '1' };
  const [entry] = index.manifests;
  const document = parse({ ...index, manifests: [{ ...entry, platform }, entry] });
  assert.ok(document.kind === 'index' && entry !== undefined);
  const { mediaType, digest } = entry;
  assert.deepEqual(document.entries, [
    { mediaType, digest, platform: { os: 'linux', architecture: 'arm' } },
    { mediaType, digest },
  ]);
});

test('an entry is chosen among all, and is none if its digest can’t be checked', () => {
  const [entry] = index.manifests;
  const of = (architecture: string) => ({ os: 'linux', architecture });
  const manifests = [
    { ...entry, platform: null },
    { ...entry, digest: sha512, platform: of('amd64') },
    { ...entry, platform: of('amd64') },
    { ...entry, platform: of('arm64') },
  ];
  const document = parse({ ...index, manifests });
  assert.ok(document.kind === 'index');
  assert.equal(document.listed.length, 4);
  assert.equal(document.entries.length, 3);
  assert.equal(chooseEntry(document, of('amd64')), undefined);
  assert.deepEqual(chooseEntry(document, of('arm64')), document.listed[3]);
  assert.deepEqual(chooseEntry(document, of('s390x')), document.listed[0]);
});

/** Documents of one kind, the claims about them, and the resulting media type. */
const types: readonly (readonly [string, unknown, Claims, string])[] = [
  ['no type at all', { ...manifest, mediaType: undefined }, {}, OCI.manifest],
  ['an empty type', { ...manifest, mediaType: '' }, {}, OCI.manifest],
  ['a type that is null', { ...manifest, mediaType: null }, {}, OCI.manifest],
  ['an index without a type', { ...index, mediaType: undefined }, {}, OCI.index],
  [
    'the type of the source alone',
    { ...manifest, mediaType: undefined },
    { mediaType: DOCKER.manifest },
    DOCKER.manifest,
  ],
  ['two types that agree', manifest, { mediaType: OCI.manifest }, OCI.manifest],
  [
    'Docker’s manifest, sent as one of OCI',
    { ...manifest, mediaType: DOCKER.manifest },
    { mediaType: OCI.manifest },
    DOCKER.manifest,
  ],
  ['OCI’s index, sent as one of Docker', index, { mediaType: DOCKER.index }, OCI.index],
  ['listed as the other kind of manifest', manifest, { listedAs: DOCKER.manifest }, OCI.manifest],
  ['listed as something unknown', manifest, { listedAs: 'text/plain' }, OCI.manifest],
];

for (const [what, document, source, mediaType] of types) {
  test(`the media type: ${what}`, () => {
    const parsed = parse(document, source);
    assert.ok(parsed.kind !== 'refused', JSON.stringify(parsed));
    assert.equal(parsed.mediaType, mediaType);
  });
}

test('annotations of a layer that are none are not read', () => {
  const document = parse({ ...manifest, layers: [{ ...layer, annotations: [1] }] });
  assert.ok(document.kind === 'manifest', JSON.stringify(document));
  assert.deepEqual(document.layers, [{ ...layer, annotations: {} }]);
});

/** Documents that are refused, with the code and a part of the message. */
const refused: readonly (readonly [RefusalCode, RegExp, unknown, Claims?])[] = [
  ['bad-field', /the whole/, null],
  ['bad-field', /schemaVersion/, { ...manifest, schemaVersion: 3 }],
  ['bad-field', /config\.digest/, { ...manifest, config: { ...config, digest: 'sha256:1' } }],
  ['bad-field', /layers\.0\.size/, { ...manifest, layers: [{ ...layer, size: -1 }] }],
  ['bad-field', /"Layers", which some readers take for "layers"/, { ...manifest, Layers: [] }],
  ['bad-field', /"layerſ"/, { ...manifest, layerſ: [] }],
  ['bad-field', /"Digest"/, { ...manifest, config: { ...config, Digest: layer.digest } }],
  ['bad-field', /"OS"/, { ...index, manifests: [{ ...layer, platform: { OS: 'linux' } }] }],
  ['schema-1', /schema 1/, { schemaVersion: 1, fsLayers: [], history: [] }],
  ['schema-1', /schema 1/, { ...manifest, mediaType: '' }, { mediaType: DOCKER.schema1 }],
  ['media-type', /calls itself/, manifest, { mediaType: '' }],
  ['media-type', /listed as/, manifest, { listedAs: OCI.index }],
  ['media-type', /listed as/, index, { listedAs: OCI.manifest }],
  ['ambiguous', /type ""/, { ...manifest, mediaType: '' }, { mediaType: '' }],
  ['ambiguous', /fields/, { ...manifest, manifests: [] }],
  ['ambiguous', /fields/, { ...index, layers: [] }],
  ['ambiguous', /fields/, { ...index, config }],
  ['ambiguous', /fields/, { ...manifest, mediaType: OCI.index }],
  ['ambiguous', /fields/, { ...index, mediaType: OCI.manifest }],
  ['ambiguous', /fields/, { ...manifest, mediaType: 'text/plain' }],
  ['ambiguous', /fields/, { ...manifest, fsLayers: [] }],
  ['ambiguous', /fields/, { ...index, history: [] }],
  ['ambiguous', /fields/, { schemaVersion: 2 }],
  ['media-type', /calls itself/, manifest, { mediaType: OCI.index }],
  ['bad-field', /config\.size/, { ...manifest, config: { ...config, size: null } }],
  ['two-sizes', /with 4 and with 5/, { ...manifest, layers: [layer, { ...layer, size: 5 }] }],
];

for (const [code, message, document, source] of refused) {
  const text = JSON.stringify([document, source ?? {}]).replaceAll(/sha256:\w+/g, '…');
  test(`${code}: ${text.slice(0, 150)}`, () => {
    const parsed = parse(document, source);
    assert.ok(parsed.kind === 'refused', JSON.stringify(parsed));
    assert.equal(parsed.code, code, parsed.found);
    assert.match(parsed.found, message);
  });
}

test('a document with more parts than any has is refused before they are read', () => {
  for (const part of ['{}', '""', 'null', '{"digest":{}}']) {
    for (const [field, most] of [
      ['layers', 1_000],
      ['manifests', 10_000],
    ] as const) {
      const text = `{"${field}":[${Array.from({ length: most + 1 }, () => part).join()}]}`;
      const found = parseDocument(Buffer.from(text));
      assert.ok(found.kind === 'refused' && found.code.startsWith('too-many-'), `${field} ${part}`);
    }
  }
});
