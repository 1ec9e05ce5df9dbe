import assert from 'node:assert/strict';
import test from 'node:test';
import { statusOfRoot } from '../../src/lifecycle/status.ts';
import { page } from '../../src/report/html/page.ts';
import { MOST_COLUMNS, MOST_IMAGES, MOST_ROOTS, MOST_ROWS } from '../../src/report/model/bounds.ts';
import { Collection } from '../../src/report/model/collect.ts';
import type { Layers } from '../../src/report/model/sizes.ts';
import { order, stateOf, states } from '../../src/report/model/states.ts';
import type { RecordImage, RootRecord } from '../../src/state/record.ts';
import {
  digestFor,
  engineImage,
  pinFor,
  recordImage,
  situationOf,
  stagedRecord,
} from '../support/samples.ts';
import { sampleReport } from './samples.ts';

const nobody = { deployments: [], failures: [] };

function collected(
  records: readonly RootRecord[],
  situation: ReturnType<typeof situationOf>,
  layers: Layers = new Map(),
) {
  const collection = new Collection(situation, layers);
  for (const record of records) {
    collection.add({ status: statusOfRoot(record, situation, nobody), record, tree: undefined });
  }
  return collection.collected();
}

const named = (letter: string) => `registry.example.com/${letter}:1`;
const wants = (letter: string) => recordImage(letter, named(letter));

test('the matrix has the state of each image for each root', () => {
  const [a, b, c] = [wants('a'), wants('b'), wants('c')];
  const records = [stagedRecord('one', a, b), stagedRecord('two', a, c)];
  const present = [engineImage('a', named('a')), engineImage('b', named('b'))];
  const pins = [pinFor('one', a), pinFor('two', a)];
  const { matrix, roots } = collected(records, situationOf(records, present, pins));
  assert.deepEqual(
    matrix.rows.shown.map(({ name, cells }) => [name, ...cells.map((cell) => cell?.state)]),
    [
      [named('a'), 'pinned', 'pinned'],
      [named('b'), 'loose', undefined],
      [named('c'), undefined, 'missing'],
    ],
  );
  assert.deepEqual(
    roots.map(({ state, lacks }) => [state, ...lacks.shown.map(({ code }) => code)]),
    [
      ['not ready', 'pin-missing'],
      ['not ready', 'image-missing'],
    ],
  );
  assert.deepEqual(roots[0]?.images.shown[0]?.name, named('b'), 'trouble comes first');
});

test('of a later stage that broke off, what it has brought counts as present', () => {
  const [a, b, c] = [wants('a'), wants('b'), wants('c')];
  const later = stagedRecord('one', a, b, c).staged;
  const record: RootRecord = { ...stagedRecord('one', a), pending: later };
  const present = ['a', 'b'].map((letter) => engineImage(letter, named(letter)));
  const pins = [pinFor('one', a), pinFor('one', b)];
  const shown = (...images: typeof present) =>
    collected([record], situationOf([record], images, pins)).matrix.rows.shown.map(
      ({ name, cells }) => [name, ...cells.map((cell) => cell?.state)],
    );
  const missing = [named('c'), 'missing'];
  assert.deepEqual(shown(...present), [[named('a'), 'pinned'], [named('b'), 'pinned'], missing]);
  const [first] = present;
  assert.ok(first);
  assert.deepEqual(shown(first), [[named('a'), 'pinned'], [named('b'), 'missing'], missing]);
});

test('sizes count a shared layer once, and an image as one piece where layers are not known', () => {
  const [a, b, c] = [wants('a'), wants('b'), wants('c')];
  const records = [stagedRecord('one', a, b), stagedRecord('two', a, c)];
  const present = ['a', 'b', 'c'].map((letter) => engineImage(letter, named(letter)));
  const situation = situationOf(records, present, []);
  const whole = collected(records, situation).sizes;
  const each = { total: 200, own: 100 };
  assert.deepEqual(whole, { roots: [each, each], total: 300, apart: 400, byImage: ['store'] });
  const base = { id: 'base', size: 60 };
  const layers = new Map(
    ['a', 'b', 'c'].map((letter) => [digestFor(letter), [base, { id: letter, size: 40 }]]),
  );
  const shared = collected(records, situation, new Map([['store', layers]])).sizes;
  const parts = { total: 140, own: 40 };
  assert.deepEqual(shared, { roots: [parts, parts], total: 180, apart: 280, byImage: [] });
});

test('every state has words of its own, and every code of a finding is a state', () => {
  assert.deepEqual([...order].sort(), Object.keys(states).sort());
  const words = Object.values(states).flatMap(({ symbol, word }) => [symbol, word]);
  assert.equal(new Set(words).size, words.length);
  assert.equal(stateOf('ready', true), 'present');
  assert.equal(stateOf('unseen', false), 'unknown');
});

test('a page of very many roots and images is bounded, and says what it leaves out', () => {
  const images = Array.from({ length: MOST_ROWS + 100 }, (_, index): RecordImage => {
    const image = recordImage(index.toString(16).padStart(64, '0'));
    const name = `registry.example.com/${'x'.repeat(200)}-${index}:1`;
    const reference = { raw: name, path: `/${'p'.repeat(3000)}`, line: 1, key: 'Image' };
    const references = Array.from({ length: 20 }, (_, n) => ({ ...reference, unit: `u-${n}` }));
    return { ...image, names: [{ name, digest: image.id, references }] };
  });
  const records = Array.from({ length: MOST_ROOTS + 5 }, (_, index) =>
    stagedRecord(`root-${index}`, ...images),
  );
  const situation = situationOf(records, [], []);
  const found = collected(records, situation);
  assert.equal(found.moreRoots, 5);
  assert.equal(found.matrix.columns, MOST_COLUMNS);
  assert.equal(found.matrix.rows.more, 100);
  assert.equal(found.roots[0]?.images.more, images.length - MOST_IMAGES);
  const text = page({ ...sampleReport((what) => what), ...found });
  assert.ok(text.length < 40_000_000, String(text.length));
  assert.match(text, /… and 5 more, which are left out of this page/);
  assert.match(text, /… and 100 more without trouble/);
});
