import assert from 'node:assert/strict';
import test from 'node:test';
import type { Engine } from '../../src/engine/engine.ts';
import { EngineError } from '../../src/engine/errors.ts';
import type { ProgressEvent } from '../../src/lifecycle/events.ts';
import { pinAgain, pinnedRecord, pinsOfRecord } from '../../src/lifecycle/restore-pins.ts';
import { type Situation, situationOn } from '../../src/lifecycle/situation.ts';
import type { RootRecord } from '../../src/state/record.ts';
import {
  digestFor,
  engineImage,
  pinFor,
  recordImage,
  situationOf,
  stagedRecord,
} from '../support/samples.ts';

const web = (letter: string) => recordImage(letter, `registry.example.com/${letter}:1`);
const os = stagedRecord('os', web('a'));
const later = { time: '2026-02-01T00:00:00.000Z', problems: [], unresolved: [] };
const letterOf = (id: string) => id['sha256:'.length] ?? '';

for (const [what, record, expected] of [
  ['nothing', stagedRecord('os'), {}],
  ['what is staged', os, { a: '2026-01 1' }],
  [
    'a stage that has begun',
    { ...stagedRecord('os'), staged: undefined, pending: { ...later, images: [web('b')] } },
    { b: '2026-02 1' },
  ],
  [
    'both',
    { ...os, pending: { ...later, images: [web('b')] } },
    { a: '2026-01 1', b: '2026-02 1' },
  ],
  [
    'an image of both, for the stage that ended',
    { ...os, pending: { ...later, images: [web('a'), web('b')] } },
    { a: '2026-01 1', b: '2026-02 2' },
  ],
  [
    'drift, which belongs to no stage',
    { ...os, drift: [web('d')] },
    { a: '2026-01 1', d: '2026-01 0' },
  ],
  ['drift to an image that is staged too', { ...os, drift: [web('a')] }, { a: '2026-01 1' }],
] as const satisfies readonly (readonly [string, RootRecord, Record<string, string>])[]) {
  test(`the pins of a record: ${what}`, () => {
    const pins = pinsOfRecord(record, 'store');
    const found = pins.map(({ id, record: { staged, images } }) => [
      letterOf(id),
      `${staged.slice(0, 7)} ${images}`,
    ]);
    assert.deepEqual(Object.fromEntries(found), expected);
  });
}

const contents = os.staged;

for (const [what, root, of, images] of [
  ['all images of a stage', os, contents, 1],
  [
    'names that have no pin, so that the set does not look complete',
    os,
    contents && { ...contents, unresolved: ['x', 'y'] },
    3,
  ],
  ['no number for pins made by hand', { ...os, id: 'manual.mine' }, contents, 0],
  ['nothing of a stage that is not there', os, undefined, 0],
] as const) {
  test(`a pin counts ${what}`, () => assert.equal(pinnedRecord(root, of).images, images));
}

test('a pin tells the updater and the role of its root, but not when the root was finalised', () => {
  const deployment = { updater: 'ostree', role: 'staged', version: '9', finalised: true } as const;
  assert.deepEqual(pinnedRecord({ ...os, deployment }, os.staged).deployment, {
    updater: 'ostree',
    role: 'staged',
  });
});

/** Makes pins again on an engine that can't pin for some roots, and tells what was pinned and reported. */
async function pinnedAgain({ records, engines }: Situation, refused = '') {
  const made: string[] = [];
  const events: ProgressEvent[] = [];
  const pin: Engine['pin'] = async (root, requests) => {
    if (root === refused) throw new EngineError('no-locks', 'no lock is left', { hint: '' });
    for (const { id } of requests) made.push(`${root} ${letterOf(id)}`);
  };
  const on = { ...situationOn({ engines }, 'store'), engine: { id: 'store', pin } } as const;
  const context = {
    report: (event: ProgressEvent) => void events.push(event),
    signal: new AbortController().signal,
  };
  return { count: await pinAgain(context, records, on, 'os'), made, events };
}

test('lost pins are made again, those of the first root before all others', async () => {
  const other = stagedRecord('a-root', web('a'), web('b'));
  const images = [engineImage('a'), engineImage('b')];
  const { count, made } = await pinnedAgain(situationOf([other, os], images, []));
  assert.deepEqual(made, ['os a', 'a-root a', 'a-root b']);
  assert.equal(count, 3);
});

test('neither a pin that is there nor an image that is gone is pinned', async () => {
  const record = stagedRecord('os', web('a'), web('b'), web('c'));
  const images = [engineImage('a'), engineImage('b')];
  const pins = [pinFor('os', web('a')), pinFor('other', web('b'))];
  assert.deepEqual((await pinnedAgain(situationOf([record], images, pins))).made, ['os b']);
});

test('a root that can’t be pinned is a warning, and the others are pinned', async () => {
  const other = stagedRecord('other', web('a'));
  const { count, made, events } = await pinnedAgain(
    situationOf([os, other], [engineImage('a')], []),
    'os',
  );
  assert.deepEqual([count, made], [1, ['other a']]);
  const warned = events.find(({ event }) => event === 'warning');
  assert.ok(warned?.event === 'warning');
  assert.deepEqual([warned.code, warned.root], ['pins-not-made', 'os']);
  assert.ok(events.some((one) => one.event === 'pinned' && one.id === digestFor('a')));
});
