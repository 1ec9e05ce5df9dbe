import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { type Context, changingRoot } from '../../src/lifecycle/context.ts';
import { readRecords, removeRecord, setAside, writeRecord } from '../../src/state/records.ts';
import { State } from '../../src/state/state.ts';
import { openStore } from '../../src/store/store.ts';
import { theOnly } from '../support/engines.ts';
import { noNetwork } from '../support/first-boot.ts';
import { recordImage, stagedRecord } from '../support/samples.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const record = stagedRecord('os', recordImage('a', 'registry.example.com/a:1'));

test('a record is read as it was written, and a person can read it', (t) => {
  const state = temporaryDirectory(t);
  writeRecord(state, record);
  assert.deepEqual(readRecords(state).byId.get('os'), record);
  assert.match(readFileSync(join(state, 'roots/os.json'), 'utf8'), /^ {2}"id": "os",$/m);
  assert.deepEqual(readdirSync(join(state, 'roots')), ['os.json'], 'no temporary file is left');
});

test('no state directory is no record', (t) => {
  assert.equal(readRecords(join(temporaryDirectory(t), 'none')).byId.size, 0);
});

test('a damaged record is named, put aside, and hides no other', (t) => {
  const state = temporaryDirectory(t);
  writeRecord(state, record);
  for (const [name, text] of [
    ['torn.json', '{"apiVersion":"berth/v1"'],
    ['other.json', JSON.stringify({ ...record, id: 'os' })],
  ] as const) {
    writeFileSync(join(state, 'roots', name), text);
  }
  const { byId, damaged } = readRecords(state);
  assert.deepEqual([...byId.keys()], ['os']);
  assert.deepEqual(
    damaged.map(({ path }) => path),
    ['other.json', 'torn.json'].map((name) => join(state, 'roots', name)),
  );
  for (const one of damaged) setAside(one);
  assert.deepEqual(readRecords(state).damaged, []);
  assert.ok(readdirSync(join(state, 'roots')).includes('torn.json.damaged'));
});

test('no id leads to another place than its own', (t) => {
  const directory = temporaryDirectory(t);
  const state = join(directory, 'state');
  writeRecord(state, record);
  const victim = join(directory, 'victim.json');
  writeFileSync(victim, 'untouched');
  const context: Context = {
    engines: theOnly(openStore({ directory: join(state, 'store'), registry: noNetwork })),
    state: new State(state),
    report: () => undefined,
    signal: new AbortController().signal,
  };
  for (const id of ['../../victim', '..', '', 'a/b', 'booted', 'a\n']) {
    assert.throws(() => writeRecord(state, { ...record, id }), /is no id of a root/, id);
    assert.throws(() => removeRecord(state, id), /is no id of a root/, id);
    assert.throws(() => changingRoot(context, id, async () => undefined), /no id of a root/, id);
  }
  assert.equal(readFileSync(victim, 'utf8'), 'untouched');
  assert.deepEqual(readdirSync(directory).sort(), ['state', 'victim.json']);
});

test('the contents of a file of the state directory are judged, too', (t) => {
  const state = temporaryDirectory(t);
  writeRecord(state, record);
  const [staged] = record.staged?.images ?? [];
  const image = { ...staged, names: [{ name: 'nginx', digest: staged?.id, references: [] }] };
  for (const [name, changes] of [
    ['booted', { id: 'booted' }],
    ['..', { id: '..' }],
    ['names', { id: 'names', staged: { ...record.staged, images: [image] } }],
    ['released', { id: 'released', released: [{ id: staged?.id, names: ['-x'], size: 1 }] }],
    ['ids', { id: 'ids', released: [{ id: 'sha256:../..', names: [], size: 1 }] }],
  ] as const) {
    const text = JSON.stringify({ ...record, ...changes });
    writeFileSync(join(state, 'roots', `${name}.json`), text);
  }
  const { byId, damaged } = readRecords(state);
  assert.deepEqual([...byId.keys()], ['os']);
  // A file whose name begins with a dot is no record, but a temporary file of a run that was killed.
  assert.equal(damaged.length, 4);
  writeFileSync(
    join(state, 'activation.json'),
    '{"apiVersion":"berth/v1","kind":"Activation","root":"../../victim"}',
  );
  assert.equal(new State(state).activation.read(), undefined);
});

test('a record can be removed twice', (t) => {
  const state = temporaryDirectory(t);
  writeRecord(state, record);
  removeRecord(state, 'os');
  removeRecord(state, 'os');
  assert.equal(readRecords(state).byId.size, 0);
});

test('a record of a newer berth is not put aside, but said', (t) => {
  const state = temporaryDirectory(t);
  writeRecord(state, record);
  const future = JSON.stringify({ ...record, apiVersion: 'berth/v2' });
  writeFileSync(join(state, 'roots/os.json'), future);
  assert.throws(
    () => readRecords(state),
    /os\.json: expected a record of berth\/v1, found one of berth\/v2/,
  );
});

test('a FIFO in the place of a record hangs nobody', (t) => {
  const state = temporaryDirectory(t);
  writeRecord(state, record);
  execFileSync('mkfifo', [join(state, 'roots/pipe.json')]);
  assert.deepEqual(
    readRecords(state).damaged.map(({ message }) => message),
    ['it is not a regular file'],
  );
});

test('a record is parsed once as long as its file is the same, and what is gone is forgotten', (t) => {
  const directory = temporaryDirectory(t);
  const state = new State(directory);
  state.write(record);
  const first = state.record('os');
  assert.equal(state.record('os'), first, 'the very same object');
  state.write({ ...record, location: '/elsewhere' });
  assert.equal(state.record('os')?.location, '/elsewhere');
  for (let n = 0; n < 5; n++) {
    const id = `os${n}`;
    state.write({ ...record, id });
    const { judged } = readRecords(directory, readRecords(directory).judged);
    assert.deepEqual(
      [...judged.values()].map((one) => one.record.id),
      ['os', id],
    );
    state.settle(id, undefined);
  }
});

test('an image says its engine in the file only if that is not the record’s', (t) => {
  const state = new State(temporaryDirectory(t));
  const [image] = record.staged?.images ?? assert.fail();
  assert.ok(image !== undefined && record.staged !== undefined);
  const other = { ...image, engine: 'podman' } as const;
  const both = {
    ...record,
    staged: { ...record.staged, images: [image, other] },
    pending: { ...record.staged, images: [other] },
    drift: [other, image],
  };
  state.write(both);
  const text = readFileSync(join(state.directory, 'roots/os.json'), 'utf8');
  assert.deepEqual(
    text.match(/"engine": "\w+"/g),
    ['store', 'podman', 'podman', 'podman'].map((engine) => `"engine": "${engine}"`),
  );
  assert.deepEqual(new State(state.directory).record('os'), both);
});
