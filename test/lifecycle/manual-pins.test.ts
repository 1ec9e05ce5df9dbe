import assert from 'node:assert/strict';
import test from 'node:test';
import { idsCalled, isCalled, nameForPin } from '../../src/lifecycle/called.ts';
import { servedBy } from '../../src/lifecycle/manual-pins.ts';
import {
  digestFor,
  engineImage,
  recordImage,
  situationOf,
  stagedRecord,
} from '../support/samples.ts';

const WEB = 'registry.example.com/web:1';
const BY_DIGEST = `registry.example.com/x@${digestFor('a')}`;
const image = engineImage('a', WEB);

for (const [what, name, expected] of [
  ['its name', WEB, true],
  ['another tag', 'registry.example.com/web:2', false],
  ['the start of its name', 'registry.example.com/web', false],
  ['a name by its digest', BY_DIGEST, true],
  ['another repository’s name by its digest', `registry.example.com/y@${digestFor('a')}`, false],
  ['its id', digestFor('a'), true],
  ['its id without the algorithm', 'a'.repeat(64), true],
  ['twelve digits of its id', 'a'.repeat(12), true],
  ['eleven digits of its id', 'a'.repeat(11), false],
  ['more digits than an id has', 'a'.repeat(65), false],
  ['the id of another image', digestFor('b'), false],
  ['nothing', '', false],
] as const) {
  test(`an image ${expected ? 'goes' : 'does not go'} by ${what}`, () =>
    assert.equal(isCalled(image, name), expected));
}

const lettersOf = (ids: Iterable<string>) => [...ids].map((id) => id['sha256:'.length]).join('');
const recorded = stagedRecord('os', recordImage('b', WEB));

for (const [what, names, situation, expected] of [
  ['no name', [], situationOf([recorded], [image], []), ''],
  ['the engine alone', [WEB], situationOf([], [image], []), 'a'],
  ['a record alone', [WEB], situationOf([recorded], [], []), 'b'],
  ['the engine and a record that differ', [WEB], situationOf([recorded], [image], []), 'ab'],
  ['the id of an image that is gone', [digestFor('b')], situationOf([recorded], [], []), 'b'],
  ['another name', ['registry.example.com/no:1'], situationOf([recorded], [image], []), ''],
  ['several names', [WEB, digestFor('c')], situationOf([], [image, engineImage('c')], []), 'ac'],
] as const) {
  test(`the images that may be meant, by ${what}`, () =>
    assert.equal(lettersOf(idsCalled(names, situation)), expected));
}

for (const [what, of, asked, expected] of [
  ['the name that was asked for', engineImage('a', 'registry.example.com/a:1', WEB), WEB, WEB],
  ['the image’s own name for an id', image, digestFor('a'), WEB],
  ['a name by digest for an image without a tag', engineImage('a'), digestFor('a'), BY_DIGEST],
  ['no name that can’t be read back from a pin', engineImage('a', 'web', WEB), digestFor('a'), WEB],
  ['the id of an image without names', { ...engineImage('a'), digests: [] }, 'x', digestFor('a')],
] as const) {
  test(`a pin made by hand holds ${what}`, () => assert.equal(nameForPin(of, asked), expected));
}

const named = (name: string, letter: string) => ({
  name,
  digest: digestFor(letter),
  manifest: digestFor(letter),
});
const OLD = 'registry.example.com/old:1';
const earlier = stagedRecord('manual', recordImage('a', OLD, WEB));

const pinned = { engine: 'store', id: digestFor('a') } as const;

for (const [what, before, expected] of [
  ['no record', undefined, [named(WEB, 'c')]],
  ['another image', stagedRecord('manual', recordImage('b', OLD)), [named(WEB, 'c')]],
  [
    'the same image on another engine',
    stagedRecord('manual', { ...recordImage('a', OLD), engine: 'podman' }),
    [named(WEB, 'c')],
  ],
  [
    'earlier names of the image, which the new one replaces',
    earlier,
    [named(OLD, 'a'), named(WEB, 'c')],
  ],
] as const) {
  test(`the names of an image that is pinned by hand, beside ${what}`, () =>
    assert.deepEqual(servedBy({ ...pinned, names: [named(WEB, 'c')] }, before), expected));
}
