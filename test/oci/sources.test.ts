import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import fc from 'fast-check';
import { BerthError } from '../../src/common/errors.ts';
import { holds } from '../support/property.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { repeated, sampleOf, sound, wrong } from './documents.ts';
import { config, DOCKER, index, layer, manifest, OCI } from './samples.ts';
import { type ReadFrom, readSignatures, type Sample, sources } from './sources.ts';

/** Whether all sources accept a document, on which they must agree. */
async function verdict(directory: string, sample: Sample): Promise<'taken' | 'refused'> {
  const isManifest = sample.mediaType === OCI.manifest;
  const all = { ...sources, ...(isManifest ? { signatures: readSignatures } : {}) };
  const verdicts = new Map<string, string>();
  for (const [source, read] of Object.entries(all)) {
    const own = join(directory, `${verdicts.size}`);
    mkdirSync(own, { recursive: true });
    verdicts.set(source, await outcome(read, own, sample));
  }
  const [first] = verdicts.values();
  const differing = new Set(verdicts.values()).size > 1;
  assert.ok(first === 'taken' || first === 'refused');
  assert.ok(!differing, `${sample.content.toString()} ${JSON.stringify([...verdicts])}`);
  return first;
}

async function outcome(read: ReadFrom, directory: string, sample: Sample): Promise<string> {
  try {
    await read(directory, sample);
    return 'taken';
  } catch (error) {
    if (error instanceof BerthError) return 'refused';
    throw error;
  }
}

for (const [expected, samples] of [
  ['taken', sound],
  ['refused', wrong],
] as const) {
  for (const [what, sample] of Object.entries(samples)) {
    test(`${what}: ${expected}, wherever it comes from`, async (t) => {
      assert.equal(await verdict(temporaryDirectory(t), sample), expected);
    });
  }
}

test('a document that is not what its source calls it is refused', async (t) => {
  const named = [sources['registry'], sources['OS image in a layout']];
  named.push(sources['images that a root ships'], sources['bundle'], readSignatures);
  const cases = [
    sampleOf(OCI.manifest, { ...manifest, mediaType: OCI.index }),
    sampleOf(OCI.manifest, { ...index, mediaType: undefined }),
  ];
  for (const [at, read] of named.entries()) {
    for (const sample of cases) {
      const directory = join(temporaryDirectory(t), `${at}`);
      assert.ok(read !== undefined);
      assert.equal(await outcome(read, directory, sample), 'refused');
    }
  }
});

type Fields = Record<string, unknown>;

const annotations = fc.option(fc.dictionary(fc.string(), fc.string()), { nil: null });
const unknownField = fc.tuple(
  fc.string().map((name) => `x-${name}`),
  fc.jsonValue(),
);

/** Sound documents, as many tools could write them: by kind, format, order of fields and spaces. */
const document = fc
  .record({
    base: fc.constantFrom<Fields>(manifest, index),
    docker: fc.boolean(),
    typed: fc.boolean(),
    annotations,
    unknown: fc.array(unknownField, { maxLength: 3 }),
    seed: fc.infiniteStream(fc.nat()),
    indent: fc.nat({ max: 3 }),
  })
  .map(({ base, docker, typed, annotations: given, unknown, seed, indent }) => {
    const kind = 'manifests' in base ? 'index' : 'manifest';
    const mediaType = (docker ? DOCKER : OCI)[kind];
    const all: Fields = {
      ...base,
      mediaType: typed || docker ? mediaType : undefined,
      annotations: given,
      ...Object.fromEntries(unknown),
    };
    const shuffled = Object.entries(all)
      .map((entry) => [seed.next().value ?? 0, entry] as const)
      .sort(([a], [b]) => a - b);
    return { mediaType, indent, fields: Object.fromEntries(shuffled.map(([, entry]) => entry)) };
  });

/** Ways to turn a valid document into one that two readers understand differently. */
const makeAmbiguous: readonly ((fields: Fields) => string)[] = [
  (fields) =>
    JSON.stringify({ ...fields, ...('manifests' in fields ? { layers: [] } : { manifests: [] }) }),
  (fields) =>
    JSON.stringify({ ...fields, ...('manifests' in fields ? { config } : { fsLayers: [] }) }),
  (fields) => repeated(fields, 'schemaVersion'),
  (fields) => repeated(fields, 'manifests' in fields ? 'manifests' : 'config'),
  (fields) => JSON.stringify({ ...fields, Manifests: [] }),
  (fields) => JSON.stringify({ LAYERS: [layer], ...fields }),
  (fields) =>
    JSON.stringify({ ...fields, mediaType: 'manifests' in fields ? OCI.manifest : OCI.index }),
];

test('sound documents are taken from everywhere, ambiguous ones from nowhere', async (t) => {
  const directory = temporaryDirectory(t);
  let run = 0;
  await holds(
    60,
    fc.asyncProperty(
      document,
      fc.constantFrom(...makeAmbiguous),
      async ({ mediaType, indent, fields }, spoil) => {
        const own = join(directory, `${run++}`);
        const text = JSON.stringify(fields, undefined, indent);
        assert.equal(await verdict(join(own, 'sound'), sampleOf(mediaType, text)), 'taken');
        const spoilt = sampleOf(mediaType, spoil(fields));
        assert.equal(
          await verdict(join(own, 'spoilt'), spoilt),
          'refused',
          spoilt.content.toString(),
        );
      },
    ),
  );
});
