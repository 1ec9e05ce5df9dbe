import assert from 'node:assert/strict';
import test from 'node:test';
import { judge, judgeNone } from '../../src/lifecycle/verify.ts';
import type { RecordImage, RootRecord } from '../../src/state/record.ts';
import {
  digestFor,
  engineImage,
  pinFor,
  recordImage,
  situationOf,
  stagedRecord,
} from '../support/samples.ts';

const web = recordImage('a', 'registry.example.com/web:1');
const os = stagedRecord('os', web);
const codes = (...args: Parameters<typeof judge>) => judge(...args).map(({ code }) => code);

test('a root whose images are present, pinned and named is ready', () => {
  const images = [engineImage('a', 'registry.example.com/web:1')];
  assert.deepEqual(codes(os, situationOf([os], images, [pinFor('os', web)])), []);
});

test('a root without a record is not ready', () => {
  assert.deepEqual(
    judgeNone().map(({ code }) => code),
    ['not-staged'],
  );
});

test('a root whose first stage never ended is not ready, whatever is there', () => {
  const { staged, ...rest } = os;
  assert.ok(staged);
  const record = { ...rest, pending: staged };
  const images = [engineImage('a', 'registry.example.com/web:1')];
  assert.deepEqual(codes(record, situationOf([record], images, [pinFor('os', web)])), [
    'unfinished',
  ]);
});

test('an image that is gone is missing, though its pin is there', () => {
  assert.deepEqual(codes(os, situationOf([os], [], [pinFor('os', web)])), ['image-missing']);
});

test('a finding on an image names the units that want the image, each once', () => {
  const place = (unit: string) => ({ raw: 'x', path: '/x', line: 1, key: 'Image', unit });
  const names = web.names.map((served) => ({
    ...served,
    references: [place('web.service'), place('api.service'), place('web.service'), place('')],
  }));
  const record = stagedRecord('os', { ...web, names });
  const [found] = judge(record, situationOf([record], [], []));
  assert.deepEqual(found?.wantedBy, ['api.service', 'web.service']);
});

test('another root’s pin is not this one’s', () => {
  const images = [engineImage('a', 'registry.example.com/web:1')];
  assert.deepEqual(codes(os, situationOf([os], images, [pinFor('other', web)])), ['pin-missing']);
});

test('a name that nothing has is missing', () => {
  const situation = situationOf([os], [engineImage('a')], [pinFor('os', web)]);
  assert.deepEqual(codes(os, situation), ['name-missing']);
});

test('a name that somebody moved is found out', () => {
  const images = [engineImage('a'), engineImage('b', 'registry.example.com/web:1')];
  assert.deepEqual(codes(os, situationOf([os], images, [pinFor('os', web)])), ['name-moved']);
});

test('a name that another living root means otherwise waits, and that is ready', () => {
  const other = stagedRecord('old', recordImage('b', 'registry.example.com/web:1'));
  const images = [engineImage('a'), engineImage('b', 'registry.example.com/web:1')];
  assert.deepEqual(codes(os, situationOf([os, other], images, [pinFor('os', web)])), []);
});

test('a name that no living root means so was moved by somebody else', () => {
  const other = stagedRecord('old', recordImage('c', 'registry.example.com/web:1'));
  const images = [engineImage('a'), engineImage('b', 'registry.example.com/web:1')];
  const situation = situationOf([os, other], images, [pinFor('os', web)]);
  assert.deepEqual(codes(os, situation), ['name-moved']);
});

test('a name by digest needs an image that is known by that very digest', () => {
  const name = `registry.example.com/x@${digestFor('c')}`;
  const image = { ...web, names: [{ name, digest: digestFor('c'), references: [] }] };
  const record = stagedRecord('os', image);
  const pins = [pinFor('os', image)];
  assert.deepEqual(codes(record, situationOf([record], [engineImage('a')], pins)), [
    'digest-missing',
  ]);
  const known = { ...engineImage('a'), digests: [name] };
  assert.deepEqual(codes(record, situationOf([record], [known], pins)), []);
});

test('a problem on record keeps the root from being ready', () => {
  const problem = { code: 'pull-always', path: '/x.image', line: 2, message: 'm', hint: 'h' };
  assert.ok(os.staged);
  const record = { ...os, staged: { ...os.staged, problems: [problem] } };
  const images = [engineImage('a', 'registry.example.com/web:1')];
  const findings = judge(record, situationOf([record], images, [pinFor('os', web)]));
  assert.deepEqual(
    findings.map(({ code, message }) => [code, message]),
    [['problem', '/x.image:2: m']],
  );
});

const WEB = 'registry.example.com/web:1';
const API = 'registry.example.com/api:1';
const api = recordImage('b', API);
const begun = (images: RecordImage[], unresolved: string[] = []): RootRecord['staged'] => ({
  time: '2026-02-01T00:00:00.000Z',
  images,
  problems: [],
  unresolved,
});
const onlyBegun = (...args: Parameters<typeof begun>): RootRecord => ({
  ...stagedRecord('os'),
  staged: undefined,
  pending: begun(...args),
});
const restaging = (...args: Parameters<typeof begun>) => ({ ...os, pending: begun(...args) });
const present = [engineImage('a', WEB)];
const waiting = { ...web, names: [{ name: WEB, digest: digestFor('a'), references: [] }] };

for (const [what, record, images, ids, expected] of [
  ['has brought nothing yet', onlyBegun([web]), [], [], ['unfinished', 'image-missing']],
  ['has brought an image', onlyBegun([web]), present, [], ['unfinished']],
  ['has an image that waits to be unpacked', onlyBegun([waiting]), [], ['a'], ['not-unpacked']],
  [
    'has a name that no registry knows, nor the engine',
    onlyBegun([], [API]),
    [],
    [],
    ['unfinished', 'image-missing'],
  ],
  [
    'has a name that no registry has explained, of an image that is there',
    onlyBegun([], [WEB]),
    present,
    [],
    ['unfinished', 'unresolved'],
  ],
  [
    'has one image that waits and one that is to come',
    onlyBegun([waiting, api]),
    [],
    ['a'],
    ['unfinished', 'image-missing'],
  ],
  ['wants the same names as the stage before', restaging([web]), present, [], []],
  ['wants a newer image by the same name', restaging([recordImage('c', WEB)]), present, [], []],
  [
    'wants one name more, and has it not',
    restaging([web, api]),
    present,
    [],
    ['unfinished', 'image-missing'],
  ],
  [
    'wants one name more, and a newer image by a name that it has',
    restaging([recordImage('c', WEB), api]),
    present,
    [],
    ['unfinished', 'image-missing'],
  ],
  [
    'wants one name more, and has it',
    restaging([web, api]),
    [...present, engineImage('b', API)],
    [],
    ['unfinished'],
  ],
  [
    'wants one name more, which could not be resolved',
    restaging([web], [API]),
    present,
    [],
    ['unfinished', 'image-missing'],
  ],
  ['has a staged image that waits to be unpacked', os, [], ['a'], ['not-unpacked']],
] as const) {
  test(`a root whose stage ${what}`, () => {
    const waiting = new Set(ids.map(digestFor));
    const situation = situationOf([record], images, [pinFor('os', web)], { waiting });
    assert.deepEqual(codes(record, situation), expected);
  });
}

const provided = {
  engine: stagedRecord('os').engine,
  name: WEB,
  id: digestFor('a'),
  digest: digestFor('a'),
  directory: '/usr/lib/images',
  references: [],
};
const stored = { id: digestFor('a'), names: [WEB], digests: [digestFor('a')] };

for (const [what, images, stores, expected] of [
  ['is in the store', [], { images: [stored], isListed: true }, []],
  ['is not in the store any more', [], { images: [], isListed: true }, ['image-missing']],
  [
    'has lost its name',
    [],
    { images: [{ ...stored, names: [] }], isListed: true },
    ['image-missing'],
  ],
  ['was in a store without a list', [], { images: [], isListed: false }, ['store-unread']],
  ['was in a store that is gone', [], undefined, ['store-unread']],
  [
    'is shadowed by another image in podman’s own store',
    [engineImage('b', WEB)],
    { images: [stored], isListed: true },
    ['name-moved'],
  ],
] as const) {
  test(`an image of a read-only store that ${what}`, () => {
    const { staged } = stagedRecord('os');
    assert.ok(staged);
    const record = { ...stagedRecord('os'), staged: { ...staged, provided: [provided] } };
    const store = (directory: string) =>
      stores && { ...stores, directory, platformOf: () => undefined };
    assert.deepEqual(codes(record, situationOf([record], images, [], { store })), expected);
  });
}

for (const [what, drift, moved, expected] of [
  ['is on record', [recordImage('b', WEB)], 'b', []],
  ['goes on to a third image', [recordImage('b', WEB)], 'c', ['name-moved']],
  ['is of another name', [recordImage('b', API)], 'b', ['name-moved']],
] as const) {
  test(`a name that was moved, whose drift ${what}`, () => {
    const record = { ...os, drift: [...drift] };
    const images = [engineImage('a'), engineImage(moved, WEB)];
    assert.deepEqual(codes(record, situationOf([record], images, [pinFor('os', web)])), expected);
  });
}

test('an image without any name, pinned by its id, is ready', () => {
  const image = { ...web, names: [{ name: web.id, digest: web.id, references: [] }] };
  const record = stagedRecord('manual', image);
  const situation = situationOf([record], [engineImage('a')], [pinFor('manual', image)]);
  assert.deepEqual(codes(record, situation), []);
});

for (const [what, record, hint] of [
  [
    'of an updater',
    { ...os, deployment: { updater: 'ostree', role: 'booted' } },
    /berth reconcile/,
  ],
  ['of a directory', os, /berth stage` on \/srv\/os again/],
  ['whose location is lost', { ...os, location: '' }, /berth stage` on os again/],
] as const satisfies readonly (readonly [string, RootRecord, RegExp])[]) {
  test(`the hint for a root ${what}`, () => {
    const [finding] = judge(record, situationOf([record], [], []));
    assert.match(finding?.hint ?? '', hint);
  });
}
