import assert from 'node:assert/strict';
import test from 'node:test';
import { blobsOf, type Claims, parseDocument } from '../../src/oci/document.ts';
import type { RefusalCode } from '../../src/oci/refusal.ts';
import { config, DOCKER, foreign, index, layer, manifest, OCI } from './samples.ts';

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

/** Documents that are refused, with the code and a part of the message. */
const refused: readonly (readonly [RefusalCode, RegExp, unknown, Claims?])[] = [
  ['bad-field', /the whole/, null],
  ['bad-field', /schemaVersion/, { ...manifest, schemaVersion: 3 }],
  ['bad-field', /config\.digest/, { ...manifest, config: { ...config, digest: 'sha256:1' } }],
  ['bad-field', /layers\.0\.size/, { ...manifest, layers: [{ ...layer, size: -1 }] }],
  [
    'bad-field',
    /layers\.0\.annotations/,
    { ...manifest, layers: [{ ...layer, annotations: [1] }] },
  ],
  ['bad-field', /"Layers", which some readers take for "layers"/, { ...manifest, Layers: [] }],
  ['bad-field', /"layerſ"/, { ...manifest, layerſ: [] }],
  ['bad-field', /"Digest"/, { ...manifest, config: { ...config, Digest: layer.digest } }],
  ['bad-field', /"OS"/, { ...index, manifests: [{ ...layer, platform: { OS: 'linux' } }] }],
  ['schema-1', /schema 1/, { schemaVersion: 1, fsLayers: [], history: [] }],
  ['schema-1', /schema 1/, { ...manifest, mediaType: '' }, { mediaType: DOCKER.schema1 }],
  ['media-type', /calls itself/, manifest, { mediaType: DOCKER.manifest }],
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
  ['foreign-layer', /elsewhere/, { ...manifest, layers: [foreign] }],
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
