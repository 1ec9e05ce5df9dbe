import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasDrifted, imageAs } from '../../src/lifecycle/drift.ts';
import { broughtByBerth } from '../../src/lifecycle/provenance.ts';
import { pinsOfRecord } from '../../src/lifecycle/restore-pins.ts';
import { withArtifacts } from '../../src/lifecycle/stage/contents.ts';
import { judge } from '../../src/lifecycle/verify.ts';
import { placeOf, type RecordImage } from '../../src/state/record.ts';
import {
  digestFor,
  engineImage,
  pinFor,
  recordImage,
  situationOf,
  stagedRecord,
} from '../support/samples.ts';

const name = 'registry.example.com/model:1';
const web = recordImage('a', 'registry.example.com/web:1');
const model: RecordImage = { ...recordImage('b', name), artifact: true };
const os = stagedRecord('os', web, model);
const images = [
  engineImage('a', 'registry.example.com/web:1'),
  { ...engineImage('b', name), artifact: true as const },
];

test('an artifact that is there under its name needs no pin', () => {
  assert.deepEqual(judge(os, situationOf([os], images, [pinFor('os', web)])), []);
});

test('an artifact that is gone, or lost its name, keeps the root from being ready', () => {
  const pins = [pinFor('os', web)];
  const codes = (...there: typeof images) =>
    judge(os, situationOf([os], there, pins)).map(({ code, id }) => [code, id]);
  const [first = assert.fail(), second = assert.fail()] = images;
  assert.deepEqual(codes(first), [['image-missing', model.id]]);
  assert.deepEqual(codes(first, { ...second, names: [] }), [['name-missing', model.id]]);
});

test('no pin is asked for an artifact', () => {
  assert.deepEqual(
    pinsOfRecord(os, 'store').map(({ id }) => id),
    [web.id],
  );
});

test('an artifact to which a name has drifted stays one, and counts without a pin', () => {
  const other = { ...engineImage('c', name), artifact: true as const };
  const drifted = imageAs('store', [model], other, new Set([name]));
  assert.equal(drifted.artifact, true);
  const record = { ...os, drift: [drifted] };
  const there = [...images.slice(0, 1), { ...engineImage('b'), artifact: true as const }, other];
  const situation = situationOf([record], there, [pinFor('os', web)]);
  assert.equal(hasDrifted(record, situation, new Set()), false);
  const { artifact: _, ...image } = drifted;
  const unpinned = { ...os, drift: [image] };
  assert.equal(hasDrifted(unpinned, situationOf([unpinned], there, []), new Set()), true);
});

test('an unfinished stage notes the artifacts that it has brought, and no images', () => {
  const fresh = [web, model].map((image) => ({ ...image, fetched: false }));
  const pending = { time: '', images: fresh, problems: [], unresolved: [] };
  const brought = new Set([web, model].map(placeOf));
  const noted = withArtifacts(pending, brought);
  assert.deepEqual(
    noted?.images.map(({ id, fetched }) => [id, fetched]),
    [
      [web.id, false],
      [model.id, true],
    ],
  );
  assert.ok(noted !== undefined);
  assert.equal(withArtifacts(noted, brought), undefined, 'once');
  assert.equal(withArtifacts(pending, new Set()), undefined);
  const { staged: _, ...rest } = os;
  const known = broughtByBerth(situationOf([{ ...rest, pending: noted }], [], []));
  assert.deepEqual([...known], [placeOf(model)]);
  assert.equal(model.id, digestFor('b'));
});
