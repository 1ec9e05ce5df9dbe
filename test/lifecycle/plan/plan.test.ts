import assert from 'node:assert/strict';
import test from 'node:test';
import type { Traits } from '../../../src/engine/engine.ts';
import type { Footprint, Use } from '../../../src/engine/footprint.ts';
import type { Source } from '../../../src/engine/source.ts';
import type { Blob, ResolvedImage } from '../../../src/image/resolved.ts';
import { deferredNames } from '../../../src/lifecycle/plan/deferred-names.ts';
import { asFound } from '../../../src/lifecycle/plan/kept.ts';
import { neededFor, type WantedImage } from '../../../src/lifecycle/plan/needed.ts';
import { dropsOf } from '../../../src/lifecycle/plan/plan.ts';
import { planImages } from '../../../src/lifecycle/plan/planned-image.ts';
import { type Space, spaceOf } from '../../../src/lifecycle/plan/space.ts';
import { isDepotWorthwhile, repliesFromAfar } from '../../../src/lifecycle/plan/way.ts';
import { RegistryError } from '../../../src/registry/errors.ts';
import type { Registry } from '../../../src/registry/registry.ts';
import {
  bindingFor,
  digestFor,
  engineImage,
  pinFor,
  recordImage,
  stagedRecord,
  storeWith,
} from '../../support/samples.ts';
import { fromRegistry } from '../../support/source.ts';

const [a, b, c] = [digestFor('a'), digestFor('b'), digestFor('c')];
const web = 'registry.example.com/web:1';
const blob = (digest: string, size: number): Blob => ({ mediaType: 'x', digest, size });

const layout: Source = {
  from: 'layout',
  images: {
    find: () => undefined,
    has: () => true,
    manifest: () => assert.fail('nothing is read'),
    signatures: () => assert.fail('nothing is read'),
    read: () => assert.fail('nothing is read'),
  },
};

function resolved(name: string, manifest: string): ResolvedImage {
  return { name, digest: manifest, manifest, config: manifest, platform: 'linux/amd64', blobs: [] };
}

test('a tag that another living root means otherwise is deferred', () => {
  const records = new Map(
    [
      stagedRecord('old', recordImage('a', web, 'registry.example.com/db:1')),
      stagedRecord('older', recordImage('a', web)),
      stagedRecord('own', recordImage('b', web)),
    ].map((record) => [record.id, record]),
  );
  const defers = (root: string, letter: string, ...names: readonly string[]) =>
    deferredNames(records, root, [recordImage(letter, ...names)]).map(
      ({ name, id, current, heldBy }) => [name, id, current, heldBy],
    );
  assert.deepEqual(defers('new', 'c', web), [
    [web, c, a, ['old', 'older']],
    [web, c, b, ['own']],
  ]);
  assert.deepEqual(defers('own', 'c', web), [[web, c, a, ['old', 'older']]]);
  assert.deepEqual(defers('own', 'a', web), [], 'the others mean the same');
  assert.deepEqual(defers('new', 'c', `registry.example.com/web@${c}`), [], 'a digest is fixed');
  assert.deepEqual(defers('new', 'c', 'registry.example.com/other:1'), []);
});

test('an image that an earlier stage pinned and this one does not need is dropped', () => {
  const record = stagedRecord('os', recordImage('a', web), recordImage('b', web));
  const drops = (...ids: readonly string[]) =>
    dropsOf(
      record,
      ids.map((id) => ({ engine: 'store', id })),
    ).map(({ id }) => id);
  assert.deepEqual(drops(), [a, b]);
  assert.deepEqual(drops(b, c), [a]);
  assert.deepEqual(drops(a, b), []);
  assert.deepEqual(dropsOf(undefined, [{ engine: 'store', id: a }]), []);
});

test('an image is planned once, with all its names', () => {
  const situation = storeWith([], [engineImage('a')], [pinFor('os', recordImage('a'))]);
  const resolution = (name: string, id: string, source: Source) =>
    asFound(bindingFor(name), id, resolved(name, id), source);
  const images = planImages(
    situation,
    'os',
    [
      resolution('registry.example.com/x:1', a, fromRegistry()),
      resolution('registry.example.com/y:1', a, fromRegistry()),
      resolution(web, b, layout),
      resolution('registry.example.com/mixed:1', c, layout),
      resolution('registry.example.com/mixed:2', c, fromRegistry()),
    ],
    new Map([
      [b, [blob('x', 5), blob('x', 5)]],
      [c, [blob('y', 7)]],
    ]),
    'direct',
  );
  assert.deepEqual(
    images.map(({ id, names, present, pinned, bytes, loads }) => [
      id,
      names.length,
      present,
      pinned,
      bytes,
      loads,
    ]),
    [
      [a, 2, true, true, 0, 0],
      [b, 1, false, false, 0, 5],
      [c, 2, false, false, 7, 0],
    ],
  );
  assert.deepEqual(
    images[0]?.names.map(({ fetch }) => fetch?.isKnown),
    [true, false],
    'the engine knows it by the repository of one name',
  );
});

const use = (directory: string, bytes: number): Use => ({
  directory,
  bytes,
  stays: bytes,
  files: 1,
  estimated: false,
});

test('each blob is counted once, and over the network only if a registry has it', () => {
  const [shared, own, shipped] = [blob('shared', 10), blob('own', 3), blob('shipped', 2)];
  const footprint: Footprint = {
    images: [
      { lacking: [shared, own], missing: [shared] },
      { lacking: [shared], missing: [shared] },
      { lacking: [shipped], missing: [shipped] },
    ],
    direct: [use('/engine', 100)],
    fromDepot: [use('/engine', 100), use('/tmp', 30)],
  };
  const wanted = [
    { id: a, image: resolved('x:1', a), source: fromRegistry() },
    { id: a, image: resolved('x:2', a), source: fromRegistry() },
    { id: b, image: resolved('y:1', b), source: layout },
  ];
  const depot = { directory: '/depot' };
  const needed = neededFor(wanted, footprint, depot);
  assert.deepEqual(
    [...needed.blobs],
    [
      [a, [shared]],
      [b, [shipped]],
    ],
  );
  assert.deepEqual(needed.downloads, [shared]);
  assert.deepEqual(needed.inDepot, [own]);
  assert.equal(needed.images, 2, 'those that a registry has');
  assert.deepEqual(needed.direct, footprint.direct);
  assert.deepEqual(needed.fromDepot, footprint.fromDepot);
  const alone = neededFor(wanted, footprint, undefined);
  assert.deepEqual([alone.fromDepot, alone.inDepot], [undefined, []]);
});

test('images come by the depot if they are as after a pull, or two from a registry that is far away', async () => {
  const wanted = (id: string, source: Source) => ({ id, image: resolved(web, id), source });
  const worthwhile = (
    registry: Pick<Registry, 'quickestReply' | 'foresee'>,
    traits: Pick<Traits, 'loadsAsPulled'>,
    images: readonly WantedImage[],
    bytes: number,
  ) => {
    const isFar = (image: WantedImage) => repliesFromAfar(registry, image);
    return isDepotWorthwhile(registry, traits, images, bytes, isFar);
  };
  const far = { quickestReply: async () => 10, foresee: async () => undefined };
  const one = wanted(a, fromRegistry());
  const two = [one, wanted(b, fromRegistry())];
  const near = { ...far, quickestReply: async () => 9 };
  const refuses = async () => {
    throw new RegistryError('policy-rejected', 'no archives', { hint: 'none' });
  };
  const small = 64 * 1024 * 1024;
  for (const [what, registry, images, bytes, expected] of [
    ['near', near, [one], small, true],
    ['much from near', near, two, small + 1, false],
    ['much from afar', far, [one], small + 1, true],
    ['shipped', near, [wanted(a, layout)], 1, false],
    ['refused', { ...near, foresee: refuses }, [one], 1, false],
    ['nothing', near, [], 0, false],
  ] as const) {
    const traits = { loadsAsPulled: true } as const;
    assert.equal(await worthwhile(registry, traits, images, bytes), expected, what);
  }
  for (const [what, registry, images, expected] of [
    ['far', far, two, true],
    ['near', near, two, false],
    ['never asked', { ...far, quickestReply: async () => undefined }, two, false],
    ['one image by two names', far, [one, one], false],
    ['shipped', far, [wanted(a, layout), wanted(b, layout)], false],
    ['one shipped', far, [wanted(a, layout), wanted(b, fromRegistry())], true],
  ] as const) {
    assert.equal(await worthwhile(registry, {}, images, 1), expected, what);
  }
});

test('the lack of a file system, in bytes and in files', () => {
  const large = { ...use('/x', 60), files: 3, estimated: true };
  const shortOf = (space: Space) => [space.needed, space.short, space.shortFiles, space.estimated];
  for (const [free, freeFiles, uses, expected] of [
    [110, 10, [large, use('/y', 40)], [100, 0, 0, true]],
    [109, 10, [large, use('/y', 40)], [100, 1, 0, true]],
    [200, 3, [large, use('/y', 40)], [100, 0, 1, true]],
    [200, undefined, [large], [60, 0, 0, true]],
    [0, 0, [{ ...large, bytes: 0 }], [0, 0, 0, false]],
    [0, 0, [], [0, 0, 0, false]],
  ] as const) {
    const system = freeFiles === undefined ? { free } : { free, freeFiles };
    assert.deepEqual(shortOf(spaceOf(system, uses, 10)), expected);
  }
});
