import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Missing } from '../../../src/engine/containerd/missing.ts';

const SECOND = 1000;

/** Looks at what is there, each as its time in seconds, the things, and whether anything is missing then. */
type Look = readonly [seconds: number, things: string, isMissing: boolean];

const cases: readonly (readonly [what: string, looks: readonly Look[]])[] = [
  ['something new', [[1, 'a b c', false]]],
  ['something that goes', [[1, 'a', true]]],
  [
    'something that comes back',
    [
      [1, 'a', true],
      [2, 'a b', false],
      [3, 'a b', false],
    ],
  ],
  [
    'something that is put back and removed again unseen',
    [
      [1, 'a', true],
      [2, 'a', true],
    ],
  ],
  [
    'something that nobody puts back',
    [
      [1, 'a', true],
      [61, 'a', true],
      [62, 'a', false],
    ],
  ],
  [
    'something else that goes later',
    [
      [1, 'a', true],
      [62, '', true],
      [123, '', false],
    ],
  ],
];

for (const [what, looks] of cases) {
  test(`what is missing: ${what}`, () => {
    const missing = new Missing(new Set(['a', 'b']));
    for (const [seconds, things, isMissing] of looks) {
      const now = new Set(things.split(' ').filter((thing) => thing !== ''));
      assert.equal(missing.see(now, seconds * SECOND), isMissing, `after ${seconds} s`);
    }
  });
}
