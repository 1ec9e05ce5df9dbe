import assert from 'node:assert/strict';
import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { readPinLabels } from '../../src/engine/pins/labels.ts';
import { type RootRecord, wantedImages } from '../../src/state/record.ts';
import { recordsFromPins } from '../../src/state/recover.ts';
import { State } from '../../src/state/state.ts';
import { openStore } from '../../src/store/store.ts';
import { noNetwork } from '../support/first-boot.ts';
import { temporaryDirectory } from '../support/temporary.ts';

/**
 * Records and pins as commit 19fda19 wrote them: `store/` is its state directory after stages with
 * `--engine store`, one of which failed, and pins by hand; `podman/` is the same with podman, and with the
 * labels of its pins. Only the location of the root replaces a temporary one.
 */
function stateOf(t: TestContext, engine: 'store' | 'podman') {
  const fixture = join(import.meta.dirname, 'earlier', engine);
  const directory = temporaryDirectory(t);
  cpSync(fixture, directory, { recursive: true });
  return { fixture, state: new State(directory) };
}

/** The images that a record wants, without facts that pins do not carry. */
function bare(record: RootRecord | undefined): string[] {
  const wanted = record === undefined ? [] : wantedImages(record);
  return [...new Map(wanted.map((image) => [image.id, image])).values()]
    .map(({ id, manifest, names }) => {
      const served = names.map(({ name, digest }) => `${name} ${digest}`);
      return [id, manifest, ...served].join(' ');
    })
    .toSorted();
}

for (const engine of ['store', 'podman'] as const) {
  test(`records of 19fda19 on ${engine} are read, and written again with the same content`, (t) => {
    const { fixture, state } = stateOf(t, engine);
    const { byId, damaged } = state.records();
    assert.deepEqual(damaged, []);
    const files = readdirSync(join(fixture, 'roots'));
    assert.deepEqual([...byId.keys()].sort(), files.map((file) => file.slice(0, -5)).sort());
    for (const [id, record] of byId) {
      const images = [...(record.staged?.images ?? []), ...(record.pending?.images ?? [])];
      assert.ok(images.length > 0, id);
      for (const image of images) assert.equal(image.engine, engine, 'the record’s');
      state.write(record);
      const [before, after] = [fixture, state.directory].map(
        (directory) =>
          JSON.parse(readFileSync(join(directory, 'roots', `${id}.json`), 'utf8')) as unknown,
      );
      assert.deepEqual(after, before);
    }
  });
}

test('records of 19fda19 in a user’s state directory are of that user’s podman', (t) => {
  const own = 'podman:ann';
  const { state } = stateOf(t, 'podman');
  const users = new State(state.directory, own);
  const { byId, damaged } = users.records();
  assert.deepEqual(damaged, []);
  assert.ok(byId.size > 0);
  for (const [id, record] of byId) {
    const { engine, staged, pending, released } = record;
    const images = [...(staged?.images ?? []), ...(pending?.images ?? []), ...released];
    assert.deepEqual(new Set([engine, ...images.map((image) => image.engine)]), new Set([own]), id);
    users.write(record);
    assert.deepEqual(new State(state.directory, own).record(id), record, 'written with that name');
  }
});

test('the activation of 19fda19 is read', (t) => {
  assert.equal(stateOf(t, 'store').state.activation.read()?.root, 'a');
});

test('pins of 19fda19 in the store bring the same records back', async (t) => {
  const { state } = stateOf(t, 'store');
  const store = openStore({ directory: join(state.directory, 'store'), registry: noNetwork });
  const pins = await store.pins();
  assert.ok(pins.length > 0 && pins.every((pin) => pin.engine === 'store'));
  const recovered = new Map(recordsFromPins(pins, new Map()).map((record) => [record.id, record]));
  for (const [id, record] of state.records().byId) {
    assert.deepEqual(bare(recovered.get(id)), bare(record), id);
  }
});

test('labels of pins of 19fda19 in podman bring the same records back', (t) => {
  const { fixture, state } = stateOf(t, 'podman');
  const pins = (
    JSON.parse(readFileSync(join(fixture, 'pins.json'), 'utf8')) as {
      name: string;
      image: string;
      labels: Record<string, string>;
    }[]
  ).flatMap(({ name, image, labels }) => {
    const pin = readPinLabels(labels, `sha256:${image}`);
    return pin === undefined ? [] : [{ ...pin, engine: 'podman' as const, handle: name }];
  });
  assert.equal(pins.length, 3);
  const recovered = recordsFromPins(pins, new Map());
  assert.deepEqual(recovered.map(({ id }) => id).sort(), ['a', 'manual']);
  for (const one of recovered) {
    const { id } = one;
    const record = state.record(id);
    assert.deepEqual(bare(one), bare(record), id);
    assert.equal(one.deployment?.updater, record?.deployment?.updater, id);
  }
});
