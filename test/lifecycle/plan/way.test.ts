import assert from 'node:assert/strict';
import test from 'node:test';
import { BerthError } from '../../../src/common/errors.ts';
import type { Use } from '../../../src/engine/footprint.ts';
import type { Blob } from '../../../src/image/resolved.ts';
import { spaceOf } from '../../../src/lifecycle/plan/space.ts';
import {
  chooseWays,
  downloadsOf,
  type EngineNeeds,
  mayBeDirect,
  possibleWays,
  usesOf,
  type Way,
} from '../../../src/lifecycle/plan/way.ts';

const use = (directory: string, bytes: number): Use => ({
  directory,
  bytes,
  stays: bytes,
  files: 1,
  estimated: false,
});

/** Blobs by letters, each of 10 bytes. */
function blobs(letters: string): readonly Blob[] {
  return Array.from(letters, (digest) => ({ mediaType: 'x', digest, size: 10 }));
}

const digestsOf = (found: readonly Blob[]) => found.map(({ digest }) => digest).join('');

/** An engine with a depot that lacks blobs, by letters, all of one image. */
function engine(
  downloads: string,
  { inDepot = '', ...more }: Partial<EngineNeeds> & { readonly inDepot?: string } = {},
): EngineNeeds {
  return {
    needed: {
      blobs: new Map(),
      downloads: blobs(downloads),
      images: downloads === '' ? 0 : 1,
      inDepot: blobs(inDepot),
      direct: [use(`/engine-${downloads}`, 100)],
      fromDepot: [use(`/engine-${downloads}`, 100), use('/tmp', 30)],
    },
    depot: { directory: '/depot' },
    waits: false,
    onlyByDepot: false,
    byDepot: false,
    directIfNear: false,
    ...more,
  };
}

const noDepot = { depot: undefined };
const user = { onlyByDepot: true };
const absent = { waits: true };

const ways: readonly [string, readonly EngineNeeds[], readonly string[]][] = [
  ['no engine', [], ['']],
  [
    'an engine without a depot, whatever would be worth while',
    [engine('a', { ...noDepot, byDepot: true })],
    ['direct'],
  ],
  [
    'an engine without a depot, where images are to wait',
    [engine('a', { ...noDepot, ...absent })],
    ['direct'],
  ],
  ['an engine that pulls by itself', [engine('a')], ['direct']],
  ['downloading ahead', [engine('a', { byDepot: true })], ['two-steps', 'direct']],
  ['blobs that are in the depot', [engine('', { inDepot: 'a' })], ['two-steps', 'direct']],
  ['an absent engine', [engine('a', { ...absent, byDepot: true, inDepot: 'b' })], ['download']],
  ['a user’s engine, even without space', [engine('a', user)], ['two-steps']],
  ['two engines that need different blobs', [engine('a'), engine('b')], ['direct,direct']],
  [
    'two engines that need one blob',
    [engine('ab'), engine('bc')],
    ['two-steps,two-steps', 'direct,direct'],
  ],
  [
    'a blob that the system and a user need',
    [engine('a'), engine('a', user)],
    ['two-steps,two-steps', 'direct,two-steps'],
  ],
  [
    'a blob that the system and an absent engine need',
    [engine('a'), engine('a', absent)],
    ['two-steps,download', 'direct,download'],
  ],
  [
    'two users, and nothing for the system',
    [engine(''), engine('a', user), engine('a', user)],
    ['direct,two-steps,two-steps'],
  ],
  [
    'one blob in an engine without a depot',
    [engine('a', noDepot), engine('a')],
    ['direct,two-steps', 'direct,direct'],
  ],
];

for (const [what, engines, expected] of ways) {
  test(`the ways for ${what}, the best first`, () => {
    assert.deepEqual(
      possibleWays(engines).map((one) => one.join()),
      expected,
    );
  });
}

const fast = { byDepot: true, directIfNear: true };

for (const [what, engines, expected] of [
  ['an engine that would pull from near', [engine('a', fast)], true],
  ['an engine that always takes from the depot', [engine('a', { byDepot: true })], false],
  ['blobs that are in the depot', [engine('a', { ...fast, inDepot: 'b' })], false],
  ['a blob that two engines need', [engine('a', fast), engine('a', fast)], false],
  ['an engine that pulls by itself', [engine('a')], false],
  ['no engine', [], false],
] as const) {
  test(`whether a stage may still pull directly: ${what}`, () => {
    const [best = []] = possibleWays(engines);
    assert.equal(mayBeDirect(engines, best), expected);
    const direct = engines.map((): Way => 'direct');
    assert.equal(mayBeDirect(engines, direct), false, 'without room for the depot');
  });
}

const downloads: readonly [string, readonly [string, Way][], string, string][] = [
  ['one engine by itself', [['ab', 'direct']], '', 'ab'],
  [
    'two engines by themselves, each of its own accord',
    [
      ['ab', 'direct'],
      ['bc', 'direct'],
    ],
    '',
    'abbc',
  ],
  [
    'two engines by the depot, once',
    [
      ['ab', 'two-steps'],
      ['bc', 'two-steps'],
    ],
    'abc',
    '',
  ],
  [
    'an engine and an absent one, once',
    [
      ['ab', 'two-steps'],
      ['ab', 'download'],
    ],
    'ab',
    '',
  ],
  [
    'one engine by itself and two users, twice',
    [
      ['a', 'direct'],
      ['a', 'two-steps'],
      ['a', 'two-steps'],
    ],
    'a',
    'a',
  ],
];

for (const [what, engines, intoDepot, direct] of downloads) {
  test(`the downloads of ${what}`, () => {
    const found = downloadsOf(
      engines.map(([letters]) => engine(letters)),
      engines.map(([, way]) => way),
    );
    assert.deepEqual([digestsOf(found.intoDepot), digestsOf(found.direct)], [intoDepot, direct]);
  });
}

/** The uses in short, by directory: the bytes and the files. */
function shortUses(engines: readonly (readonly [string, Way])[]): readonly string[] {
  const uses = usesOf(
    engines.map(([letters]) => engine(letters)),
    engines.map(([, way]) => way),
  );
  return uses.map(
    ({ directory, bytes, files, stays }) => `${directory} ${bytes} ${files}, stays ${stays}`,
  );
}

const uses: readonly [string, readonly (readonly [string, Way])[], readonly string[]][] = [
  ['an engine by itself', [['a', 'direct']], ['/engine-a 100 1, stays 100']],
  [
    'an engine by the depot',
    [['ab', 'two-steps']],
    ['/engine-ab 100 1, stays 100', '/tmp 30 1, stays 30', '/depot 20 3, stays 0'],
  ],
  ['images that wait', [['ab', 'download']], ['/depot 20 3, stays 20']],
  [
    'two engines by the depot, which has their blobs once',
    [
      ['ab', 'two-steps'],
      ['bc', 'two-steps'],
    ],
    [
      '/engine-ab 100 1, stays 100',
      '/tmp 30 1, stays 30',
      '/engine-bc 100 1, stays 100',
      '/tmp 30 1, stays 30',
      '/depot 30 5, stays 0',
    ],
  ],
  [
    'an engine by itself and an absent one',
    [
      ['a', 'direct'],
      ['a', 'download'],
    ],
    ['/engine-a 100 1, stays 100', '/depot 10 2, stays 10'],
  ],
];

for (const [what, engines, expected] of uses) {
  test(`the space that is used for ${what}`, () => assert.deepEqual(shortUses(engines), expected));
}

test('the first ways with room are taken, else the last with their lack', async () => {
  const engines = [engine('a'), engine('a', user)];
  const choose = async (free: number) => {
    const { ways: chosen, lack } = await chooseWays(
      engines,
      async (all) => [spaceOf({ free }, all, 0)],
      async ([space], bytes) =>
        space?.short === 0
          ? undefined
          : new BerthError('no-space', `${space?.short} short of ${bytes}`, { hint: '' }),
    );
    return [chosen.join(), lack?.message];
  };
  // By the depot: 130 for each engine, and 10 in the depot.
  assert.deepEqual(await choose(270), ['two-steps,two-steps', undefined]);
  assert.deepEqual(await choose(269), ['direct,two-steps', undefined]);
  assert.deepEqual(await choose(240), ['direct,two-steps', undefined]);
  assert.deepEqual(await choose(239), ['direct,two-steps', '1 short of 20']);
});
