import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test, { type TestContext } from 'node:test';
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

/** The files that make patterns of texts; what makes them all, by each file's name. */
const makers: Readonly<Record<string, () => Promise<unknown>>> = {
  'discovery/services/mentions.ts': () => import('../../src/discovery/services/mentions.ts'),
  'engine/fetch/pull-failure.ts': async () => {
    const { registryFailure } = await import('../../src/engine/fetch/pull-failure.ts');
    const hint = () => 'log in';
    const puller = { program: 'podman', trust: hint, plain: hint, login: hint };
    registryFailure(puller, 'q.io/a:1', 'it failed');
  },
  'common/concealed.ts': async () => {
    const { beginConcealing, conceal, concealValue, withoutConcealed } = await import(
      '../../src/common/concealed.ts'
    );
    const run = beginConcealing();
    for (const text of ['secret', 'secrets.of.all', 'se']) conceal(text);
    concealValue('a-secret');
    withoutConcealed('a text');
    run.end();
  },
};

test('no pattern that berth makes of texts takes more steps than its text is long', async (t) => {
  const making = files.filter((file) => /\bRegExp\(/.test(readFileSync(join(src, file), 'utf8')));
  assert.deepEqual(making.toSorted(), Object.keys(makers).toSorted());
  for (const [file, make] of Object.entries(makers)) {
    const made = await patternsMadeBy(t, make);
    assert.ok(made.length > 0, file);
    for (const pattern of made) assert.equal(slowOn(pattern), undefined, `${file}: ${pattern}`);
  }
});

/** The patterns that the language's constructor makes meanwhile. */
async function patternsMadeBy(t: TestContext, make: () => Promise<unknown>): Promise<RegExp[]> {
  const made: RegExp[] = [];
  const own = globalThis.RegExp;
  const watched = new Proxy(own, {
    construct: (_, [source, flags]: [string, string?]) => {
      const pattern = new own(source, flags);
      made.push(pattern);
      return pattern;
    },
  });
  t.mock.property(globalThis, 'RegExp', watched);
  await make();
  t.mock.restoreAll();
  return made;
}

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
