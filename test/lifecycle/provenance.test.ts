import assert from 'node:assert/strict';
import test from 'node:test';
import { driftedNames } from '../../src/lifecycle/drift.ts';
import { broughtByBerth, imageNamed, meaningsOf, pinsOf } from '../../src/lifecycle/provenance.ts';
import type { RootRecord } from '../../src/state/record.ts';
import {
  digestFor,
  engineImage,
  imagesById,
  pinFor,
  recordImage,
  situationOf,
  stagedRecord,
} from '../support/samples.ts';

const WEB = 'registry.example.com/web:1';
const web = (letter: string) => recordImage(letter, WEB);
const theirs = { ...web('a'), fetched: false };
const lettersOf = (ids: Iterable<string>) =>
  [...ids].map((id) => /sha256:(.)/.exec(id)?.[1]).join('');
const recordsOf = (...records: RootRecord[]) => new Map(records.map((one) => [one.id, one]));
const drifting = { ...stagedRecord('b', web('b')), drift: [web('d')] };

for (const [what, situation, expected] of [
  ['nobody says anything', situationOf([], [engineImage('a')], []), ''],
  ['the engine says it', situationOf([], [{ ...engineImage('a'), fetched: true }], []), 'a'],
  ['a pin says it', situationOf([], [], [pinFor('os', web('a'))]), 'a'],
  ['a pin says it of an image of somebody else', situationOf([], [], [pinFor('os', theirs)]), ''],
  ['the record of a whole stage says it', situationOf([stagedRecord('os', web('a'))], [], []), 'a'],
  ['it was somebody else’s', situationOf([stagedRecord('os', theirs)], [], []), ''],
  [
    'a stage that did not end was about to fetch it',
    situationOf([{ ...stagedRecord('os'), pending: stagedRecord('os', web('a')).staged }], [], []),
    '',
  ],
  [
    'it was let go',
    situationOf(
      [
        {
          ...stagedRecord('os'),
          released: [{ engine: 'store', id: digestFor('a'), names: [], size: 1 }],
        },
      ],
      [],
      [],
    ),
    'a',
  ],
] as const) {
  test(`brought by berth: ${what}`, () =>
    assert.equal(lettersOf(broughtByBerth(situation)), expected));
}

for (const [what, records, except, expected] of [
  ['no root', recordsOf(), undefined, {}],
  ['one root', recordsOf(stagedRecord('a', web('a'))), undefined, { a: ['a'] }],
  [
    'two roots alike',
    recordsOf(stagedRecord('a', web('a')), stagedRecord('b', web('a'))),
    undefined,
    { a: ['a', 'b'] },
  ],
  [
    'two that differ',
    recordsOf(stagedRecord('a', web('a')), stagedRecord('b', web('b'))),
    undefined,
    { a: ['a'], b: ['b'] },
  ],
  [
    'all but one',
    recordsOf(stagedRecord('a', web('a')), stagedRecord('b', web('b'))),
    'a',
    { b: ['b'] },
  ],
  [
    'all but one of two alike',
    recordsOf(stagedRecord('a', web('a')), stagedRecord('b', web('a'))),
    'a',
    { a: ['b'] },
  ],
  ['a drifted name', recordsOf(drifting), undefined, { d: ['b'] }],
] as const) {
  test(`what a name means: ${what}`, () => {
    const meanings = [...meaningsOf(WEB, records, except)];
    const found = meanings.map(([id, roots]) => [lettersOf([id]), roots]);
    assert.deepEqual(Object.fromEntries(found), expected);
  });
}

for (const [what, record, images, locked, expected] of [
  ['means what is on record', stagedRecord('os', web('a')), [engineImage('a', WEB)], [], ''],
  ['was moved', stagedRecord('os', web('a')), [engineImage('a'), engineImage('b', WEB)], [], 'b'],
  [
    'was moved, but a lock holds it',
    stagedRecord('os', web('a')),
    [engineImage('b', WEB)],
    [WEB],
    '',
  ],
  ['means nothing any more', stagedRecord('os', web('a')), [engineImage('a')], [], ''],
  ['is not staged', { ...stagedRecord('os'), staged: undefined }, [engineImage('b', WEB)], [], ''],
] as const) {
  test(`drift: a name that ${what}`, () => {
    const drifted = driftedNames(record, imagesById(images), new Set(locked));
    assert.equal(lettersOf(drifted.map(({ id }) => id)), expected);
    for (const { name, recorded } of drifted) {
      assert.deepEqual([name, recorded], [WEB, digestFor('a')]);
    }
  });
}

test('pins by image, and images by name', () => {
  const pins = [pinFor('a', web('a')), pinFor('b', web('b'))];
  assert.equal(lettersOf(pinsOf('a', pins).keys()), 'a');
  assert.equal(lettersOf(pinsOf('none', pins).keys()), '');
  const images = imagesById([engineImage('a', WEB)]);
  assert.equal(imageNamed(WEB, images)?.id, digestFor('a'));
  assert.equal(imageNamed('registry.example.com/none:1', images), undefined);
});
