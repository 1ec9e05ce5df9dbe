import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test from 'node:test';
import { attacksOn } from '../support/pattern-attacks.ts';
import { patternsIn } from '../support/pattern-literals.ts';
import { MOST, stepsOf } from '../support/pattern-steps.ts';

/** Steps for twice the text, at most. */
const LINEAR = 2.6;

/** How often the middle of a text is repeated, and then twice as often. */
const TIMES = 24;

/** A sequence of numbers from 0 to below 1, the same in each run. */
function seeded(): () => number {
  let state = 1;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

/** A text on which a pattern takes more steps than the text is long; undefined if none is found. */
function slowOn(pattern: RegExp): string | undefined {
  for (const attack of attacksOn(pattern, seeded())) {
    const half = stepsOf(pattern, attack(TIMES));
    const whole = stepsOf(pattern, attack(TIMES * 2));
    if (whole === MOST || whole > half * LINEAR + 50) return attack(3);
  }
  return undefined;
}

test('patterns that try again and again are found', () => {
  for (const slow of [
    /^(a+)+$/,
    /a*a*b/,
    /^(?:a|b|ab)*c/,
    /\s+$/,
    /^(?:\w+\s?)*$/,
    /x(?:"[^"]*"|[^ ])*y/,
  ]) {
    assert.notEqual(slowOn(slow), undefined, String(slow));
  }
  for (const quick of [
    /^a+$/,
    /^\w+(?:-\w+)*$/,
    /^"(?:[^"\\]|\\.)*"/,
    /a|b/g,
    /\s/,
    /^(?:[a-z]{2})*b/,
  ]) {
    assert.equal(slowOn(quick), undefined, String(quick));
  }
});

const src = resolve(import.meta.dirname, '../../src');
const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((name) =>
  name.endsWith('.ts'),
);

test('no pattern of berth takes more steps than its text is long', () => {
  let count = 0;
  const slow: string[] = [];
  for (const file of files) {
    for (const pattern of patternsIn(readFileSync(join(src, file), 'utf8'))) {
      count++;
      const on = slowOn(pattern);
      if (on !== undefined) slow.push(`${file}: ${pattern} on ${JSON.stringify(on)}`);
    }
  }
  assert.ok(count > 300, `only ${count} patterns were found`);
  assert.deepEqual(slow, []);
});
