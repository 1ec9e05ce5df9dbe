import assert from 'node:assert/strict';
import test from 'node:test';
import { namedEntries, parseIndexJson } from '../../src/oci/index-json.ts';
import { config, index, layer, OCI } from './samples.ts';

const NAME = 'org.opencontainers.image.ref.name';
const [entry] = index.manifests;
const named = { ...entry, annotations: { [NAME]: 'registry.example.com/app:1' } };

const parse = (document: unknown) => parseIndexJson(Buffer.from(JSON.stringify(document)));

test('an index.json keeps what other tools wrote into it', () => {
  const sha512 = `sha512:${'a'.repeat(128)}`;
  const platform = { os: 'windows', architecture: 'amd64', 'os.version': '10', 'x-tool': {} };
  const other = {
    ...entry,
    digest: sha512,
    urls: ['https://example.com'],
    platform,
    'x-tool': [1],
  };
  const document = { schemaVersion: 2, mediaType: OCI.index, 'x-own': {}, manifests: [other] };
  const parsed = parse(document);
  assert.ok(parsed.kind === 'index-json', JSON.stringify(parsed));
  assert.deepEqual(parsed.index, document);
});

test('null is an empty list, as Go writes one', () => {
  const parsed = parse({ schemaVersion: 2, mediaType: null, manifests: null });
  assert.ok(parsed.kind === 'index-json', JSON.stringify(parsed));
  assert.deepEqual(parsed.index.manifests, []);
});

test('entries that have a name are found, with the index that the name stands for', () => {
  const annotations = { ...named.annotations, 'io.berth.index.digest': config.digest };
  const platform = { os: 'linux', architecture: 'arm64' };
  const parsed = parse({ ...index, manifests: [entry, { ...named, platform, annotations }] });
  assert.ok(parsed.kind === 'index-json');
  assert.deepEqual(namedEntries(parsed.index), [
    {
      name: 'registry.example.com/app:1',
      repository: 'registry.example.com/app',
      mediaType: OCI.manifest,
      digest: entry?.digest,
      index: config.digest,
      platform,
    },
  ]);
});

const refused: readonly (readonly [string, unknown])[] = [
  ['no version', { manifests: [] }],
  ['no list of manifests', { schemaVersion: 2 }],
  ['a manifest in its place', { ...index, config, layers: [layer] }],
  ['layers beside manifests', { ...index, layers: [] }],
  ['another type', { ...index, mediaType: OCI.manifest }],
  ['a digest that climbs', { ...index, manifests: [{ ...entry, digest: 'sha256:../../etc' }] }],
  ['a size below zero', { ...index, manifests: [{ ...entry, size: -1 }] }],
  ['a field that Go takes for another', { ...index, Manifests: [] }],
  ['a name too long', { ...index, manifests: [withName(`a/${'b'.repeat(512)}`)] }],
  [
    'a name for what can’t be verified',
    { ...index, manifests: [{ ...named, digest: `sha512:${'a'.repeat(128)}` }] },
  ],
];

for (const [what, document] of refused) {
  test(`an index.json is refused: ${what}`, () => {
    const parsed = parse(document);
    const entries = parsed.kind === 'refused' ? parsed : namedEntries(parsed.index);
    assert.ok('found' in entries, JSON.stringify(entries));
  });
}

function withName(name: string) {
  return { ...entry, annotations: { [NAME]: name } };
}
