import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import fc from 'fast-check';
import { type Contents, placeOf, type RootRecord, wantedImages } from '../../src/state/record.ts';
import * as transitions from '../../src/state/transitions.ts';
import { holds } from '../support/property.ts';
import { digestFor, recordImage } from '../support/samples.ts';

const { arrows, phaseOf } = transitions;

const image = (letter: string) => recordImage(letter, `registry.example.com/${letter}:1`);
const contents = (letters: string): Contents => ({
  time: '2026-01-01T00:00:00.000Z',
  images: Array.from(letters, image),
  problems: [],
  unresolved: [],
});
const placesOf = (letters: string) =>
  new Set(Array.from(letters, (letter) => placeOf({ engine: 'store', id: digestFor(letter) })));
const lettersOf = (images: readonly { id: string }[] = []) =>
  images.map(({ id }) => id['sha256:'.length]).join('');

/** A record in short: `staged/pending/drift/released`, a letter an image. */
function short(record: RootRecord | undefined): string {
  if (record === undefined) return 'none';
  const { staged, pending, drift, released } = record;
  return [staged?.images, pending?.images, drift, released].map(lettersOf).join('/');
}

function recordOf(text: string, id = 'os'): RootRecord | undefined {
  if (text === 'none') return undefined;
  const [staged = '', pending = '', drift = '', released = ''] = text.split('/');
  return {
    apiVersion: 'berth/v1',
    kind: 'Record',
    id,
    location: '/srv/os',
    engine: 'store',
    ...(staged === '' ? {} : { staged: contents(staged) }),
    ...(pending === '' ? {} : { pending: contents(pending) }),
    ...(drift === '' ? {} : { drift: Array.from(drift, image) }),
    released: Array.from(released, (letter) => ({
      engine: 'store',
      id: digestFor(letter),
      names: [],
      size: 10,
    })),
  };
}

const root = { id: 'os', location: '/srv/os', engine: 'store' } as const;
const manual = { id: 'manual', engine: 'store' } as const;

function existing(text: string, id?: string): RootRecord {
  const record = recordOf(text, id);
  assert.ok(record !== undefined);
  return record;
}

const begun = (before: string, wanted: string, brought: string) =>
  transitions.begun(recordOf(before), root, contents(wanted), placesOf(brought));
const staged = (before: string, wanted: string, brought: string, drift = '') =>
  transitions.staged(
    existing(before),
    contents(wanted),
    Array.from(drift, image),
    placesOf(brought),
  );

for (const [what, after, expected] of [
  ['a first stage wants before it fetches', () => begun('none', 'ab', ''), '/ab//'],
  ['what an earlier stage ended with stays', () => begun('a///', 'b', 'a'), 'a/b//'],
  ['what a stage that did not end fetched is let go', () => begun('/ab//', 'bc', 'ab'), '/bc//a'],
  ['but not what somebody else brought', () => begun('/ab//', 'bc', 'b'), '/bc//'],
  ['nor what is staged, or means a name', () => begun('a/abd/b/', 'c', 'abd'), 'a/c/b/d'],
  ['what was released may be wanted again', () => begun('///a', 'a', 'a'), '/a//a'],
  ['a stage ends', () => staged('/ab//', 'ab', 'ab'), 'ab///'],
  ['new before old', () => staged('a/b//', 'b', 'ab'), 'b///a'],
  ['what is wanted again is not released', () => staged('/a//a', 'a', 'a'), 'a///'],
  ['what drifted is let go where berth brought it', () => staged('a/b/d/', 'b', 'abd'), 'b///ad'],
  ['drift that goes on is kept', () => staged('a/b/d/', 'b', 'ab', 'd'), 'b//d/a'],
  ['names drift', () => transitions.drifted(existing('a///'), [image('b')]), 'a//b/'],
  ['drift is over', () => transitions.drifted(existing('a//b/'), []), 'a///'],
  [
    'a released root wants nothing',
    () => transitions.released(existing('a/b/c/d'), placesOf('abc')),
    '///dabc',
  ],
  [
    'what berth did not bring is not its to remove',
    () => transitions.released(existing('ab///'), placesOf('b')),
    '///b',
  ],
  [
    'without anything to remove no record is left',
    () => transitions.released(existing('a///'), placesOf('')),
    'none',
  ],
  [
    'what is removed is forgotten',
    () => transitions.pruned(existing('///ab'), placesOf('a')),
    '///b',
  ],
  [
    'with the last the record goes',
    () => transitions.pruned(existing('///ab'), placesOf('ab')),
    'none',
  ],
  [
    'but not that of a living root',
    () => transitions.pruned(existing('a///b'), placesOf('b')),
    'a///',
  ],
  [
    'nor one that drift alone came back to',
    () => transitions.pruned(existing('//c/b'), placesOf('b')),
    '//c/',
  ],
  ['a first pin by hand', () => transitions.pinned(undefined, manual, image('a'), ''), 'a///'],
  [
    'one more',
    () => transitions.pinned(existing('a///', 'manual'), manual, image('b'), ''),
    'ab///',
  ],
  [
    'what was let go is pinned again',
    () => transitions.pinned(existing('///a', 'manual'), manual, image('a'), ''),
    'a///',
  ],
  [
    'one of two pins is dropped',
    () => transitions.unpinned(existing('ab///', 'manual'), placesOf('a'), placesOf('a')),
    'b///a',
  ],
  [
    'the last is dropped',
    () => transitions.unpinned(existing('a///', 'manual'), placesOf('a'), placesOf('a')),
    '///a',
  ],
  [
    'somebody else brought it',
    () => transitions.unpinned(existing('a///', 'manual'), placesOf('a'), placesOf('')),
    'none',
  ],
  [
    'pins bring back a whole stage and a begun one',
    () => transitions.recovered(root, { staged: contents('a'), pending: contents('b') }),
    'a/b//',
  ],
] as const) {
  test(`transition: ${what}`, () => assert.equal(short(after()), expected));
}

test('held: since when, and as which role, is on the record', () => {
  const deployment = { updater: 'ostree', role: 'staged', version: '2' } as const;
  const { deployment: after } = transitions.held(existing('a///'), deployment, '2026-01-02');
  assert.deepEqual(after, { ...deployment, role: 'held', since: '2026-01-02' });
});

for (const [what, work] of [
  ['a stage that never began does not end', () => staged('a///', 'a', '')],
  [
    'what is released is not held',
    () => transitions.held(existing('///a'), { updater: 'ostree', role: 'staged' }, ''),
  ],
  [
    'no root has pins made by hand',
    () => transitions.pinned(undefined, { ...manual, id: 'os' }, image('a'), ''),
  ],
  [
    'no pins by hand go while a stage is under way',
    () => transitions.unpinned(existing('a/b//'), placesOf('a'), placesOf('')),
  ],
  ['pins that say nothing make no record', () => transitions.recovered(root, {})],
] as const) {
  test(`refused: ${what}`, () => assert.throws(work, /^Error: the record of .+ can't be \w+, /));
}

/** Events of one root, or of the pins of one id made by hand, and of images on the engine. */
interface World {
  record: RootRecord | undefined;
  /** The ids of the images that berth brought and that nobody removed yet. */
  brought: Set<string>;
}

const letters = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), {
  minLength: 1,
  maxLength: 3,
});
const step = fc.record({
  /** `fetched`: a stage that is killed then, or fails for another image. */
  transition: fc.constantFrom('fetched', ...Object.keys(arrows)),
  letters: letters.map((chosen) => chosen.join('')),
});

/** Applies a transition where the code would, with what the code would know. */
function taken(
  { record, brought }: World,
  transition: string,
  chosen: string,
  isManual: boolean,
): World {
  const phase = phaseOf(record);
  const isLiving = phase === 'pending' || phase === 'staged' || phase === 'restaging';
  if (!isManual && transition === 'begun') {
    return { record: transitions.begun(record, root, contents(chosen), brought), brought };
  }
  if (record === undefined) {
    if (isManual && transition === 'pinned') {
      return { record: transitions.pinned(record, manual, image(chosen[0] ?? ''), ''), brought };
    }
    return { record, brought };
  }
  if (isManual) {
    if (transition === 'pinned') {
      return { record: transitions.pinned(record, manual, image(chosen[0] ?? ''), ''), brought };
    }
    if (transition === 'unpinned') {
      return { record: transitions.unpinned(record, placesOf(chosen), brought), brought };
    }
  } else {
    if (transition === 'fetched') {
      const fetched = (record.pending?.images ?? []).map(placeOf);
      return { record, brought: new Set([...brought, ...fetched]) };
    }
    if (transition === 'staged' && record.pending !== undefined) {
      const after = new Set([...brought, ...record.pending.images.map(placeOf)]);
      return { record: transitions.staged(record, record.pending, [], after), brought: after };
    }
    // Others move names to images that others brought.
    if (transition === 'drifted' && record.staged !== undefined) {
      return { record: transitions.drifted(record, [image('x')]), brought };
    }
    if (transition === 'held' && isLiving) {
      const deployment = { updater: 'ostree', role: 'staged' } as const;
      return { record: transitions.held(record, deployment, '2026-01-02'), brought };
    }
    if (transition === 'released') {
      return { record: transitions.released(record, brought), brought };
    }
  }
  if (transition === 'pruned') {
    const wanted = new Set(wantedImages(record).map(placeOf));
    const removed = record.released.map(placeOf).filter((place) => !wanted.has(place));
    const left = new Set([...brought].filter((place) => !removed.includes(place)));
    return { record: transitions.pruned(record, new Set(removed)), brought: left };
  }
  return { record, brought };
}

for (const isManual of [false, true]) {
  test(`any sequence of transitions, ${isManual ? 'pins by hand' : 'a root'}: nothing that is wanted or was brought is lost`, async () => {
    await holds(
      300,
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        let world: World = { record: undefined, brought: new Set(isManual ? placesOf('abc') : []) };
        const known = new Set<string>();
        for (const { transition, letters: chosen } of steps) {
          const before = world.record;
          world = taken(world, transition, chosen, isManual);
          const { record, brought } = world;
          const wanted = new Set(record === undefined ? [] : wantedImages(record).map(placeOf));
          for (const place of wanted) known.add(place);
          const released = new Set(record?.released.map(placeOf));
          for (const place of (record?.staged?.images ?? []).map(placeOf)) {
            assert.ok(!released.has(place), `${transition}: what is staged is not released`);
          }
          for (const place of brought) {
            if (!known.has(place)) continue;
            assert.ok(
              wanted.has(place) || released.has(place),
              `${transition}: ${place} is forgotten`,
            );
          }
          if (!['released', 'unpinned', 'staged', 'drifted'].includes(transition)) {
            for (const place of (before?.staged?.images ?? []).map(placeOf)) {
              assert.ok(wanted.has(place), `${transition}: ${place} is no longer wanted`);
            }
          }
          if (phaseOf(record) === 'released') assert.equal(wanted.size, 0);
        }
      }),
    );
  });
}

test('the diagram in docs/architecture.md has the arrows of the code, and no other', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/architecture.md'), 'utf8');
  const [, diagram = ''] = /```mermaid\nstateDiagram-v2\n([^`]*)```/.exec(page) ?? [];
  const drawn = diagram
    .trim()
    .split('\n')
    .flatMap((line) => {
      const [, from = '', to = '', labels = ''] = /^ *(\S+) --> (\S+): (.+)$/.exec(line) ?? [];
      return labels.split(', ').map((label) => `${label}: ${from} → ${to}`);
    });
  const coded = Object.entries(arrows).flatMap(([transition, own]) =>
    own.map((arrow) => `${transition}: ${arrow}`.replace(/\bnone\b/, '[*]')),
  );
  assert.deepEqual(drawn.toSorted(), coded.toSorted());
});
