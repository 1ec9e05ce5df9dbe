import assert from 'node:assert/strict';
import test from 'node:test';
import { inWords, millisecondsOf } from '../../src/registry/retry-after.ts';

const NOW = Date.parse('2026-01-01T00:00:00Z');

/** What servers send in `Retry-After`, and the seconds that it means. */
const HEADERS: readonly (readonly [header: string | undefined, seconds: number | undefined])[] = [
  [undefined, undefined],
  ['', undefined],
  ['0', 0],
  ['7', 7],
  [' 7 ', 7],
  ['007', 7],
  ['1.5', 1.5],
  ['86400', 86_400],
  ['432000', 432_000],
  ['999999999', 999_999_999],
  // Seconds since 1970.
  [`${NOW / 1000 + 60}`, 60],
  [`${NOW / 1000 - 60}`, 0],
  [`${NOW / 1000 + 86_401}`, undefined],
  ['1000000000', 0],
  ['9'.repeat(400), undefined],
  ['Thu, 01 Jan 2026 00:01:00 GMT', 60],
  ['Thursday, 01-Jan-26 00:01:00 GMT', 60],
  ['Thu Jan  1 00:01:00 2026 GMT', 60],
  ['2026-01-01T00:01:00Z', 60],
  ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
  ['Sat, 03 Jan 2026 00:00:00 GMT', undefined],
  ['-5', undefined],
  ['+5', undefined],
  ['1e3', undefined],
  ['0x10', undefined],
  ['5, 6', undefined],
  ['120s', undefined],
  ['880.092µs', undefined],
  ['1m0s', undefined],
  ['soon', undefined],
  ['5 days', undefined],
  ['99:99:99', undefined],
];

for (const [header, seconds] of HEADERS) {
  test(`Retry-After: ${header?.slice(0, 40)} is ${seconds} seconds`, (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: NOW });
    assert.equal(millisecondsOf(header), seconds === undefined ? undefined : seconds * 1000);
  });
}

test('a wait is told in seconds, with its end, or in days too', (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: NOW });
  const hour = 60 * 60 * 1000;
  assert.equal(inWords(1500), 'in 2 seconds');
  assert.equal(inWords(120_000), 'in 120 seconds');
  assert.equal(inWords(hour), 'after 2026-01-01T01:00:00Z');
  assert.equal(inWords(47 * hour), 'after 2026-01-02T23:00:00Z');
  assert.equal(inWords(5 * 24 * hour), 'in 5 days, after 2026-01-06T00:00:00Z');
  assert.match(inWords(999_999_999_000), /^in 11574 days, after 2057-/);
});
