import assert from 'node:assert/strict';
import test from 'node:test';
import type { EngineId } from '../../src/common/engine-id.ts';
import {
  enginesOf,
  fileOf,
  onEngines,
  placeOf,
  type RecordImage,
  type RootRecord,
  recordIn,
  withOwnPodman,
} from '../../src/state/record.ts';
import { recordsFromPins } from '../../src/state/recover.ts';
import * as transitions from '../../src/state/transitions.ts';
import { pinFor, recordImage, stagedRecord } from '../support/samples.ts';

const ANN = 'podman:ann';

function on(engine: EngineId, letter: string): RecordImage {
  return { ...recordImage(letter, `registry.example.com/${letter}:1`), engine };
}

const [system, user] = [on('podman', 'a'), on(ANN, 'a')];
const places = (...images: readonly RecordImage[]) => new Set(images.map(placeOf));
const placesOf = (images: Parameters<typeof placeOf>[0][] = []) => images.map(placeOf);

function recordWith(...images: RecordImage[]): RootRecord {
  return { ...stagedRecord('os', ...images), engine: 'podman' };
}

function contentsWith(...images: RecordImage[]) {
  return { time: '2026-01-02T00:00:00.000Z', images, problems: [], unresolved: [] };
}

test('an image that one of two engines does not need any more is let go there alone', () => {
  const wanted = contentsWith(user);
  const begun = transitions.begun(recordWith(system, user), recordWith(), wanted, places());
  const after = transitions.staged(begun, wanted, [], places(system, user));
  assert.deepEqual(placesOf(after.staged.images), [placeOf(user)]);
  assert.deepEqual(placesOf(after.released), [placeOf(system)]);
});

test('what berth brought into one engine is not berth’s in another', () => {
  const after = transitions.released(recordWith(system, user), places(user));
  assert.deepEqual(placesOf(after?.released), [placeOf(user)]);
});

test('an unfinished stage lets an image go on the engine on which it is no longer wanted', () => {
  const { staged: _, ...rest } = recordWith();
  const before = { ...rest, pending: contentsWith(system, user) };
  const after = transitions.begun(before, rest, contentsWith(system), places(system, user));
  assert.deepEqual(placesOf(after.released), [placeOf(user)]);
});

test('an image that was removed from one engine is still to be removed from another', () => {
  const released = transitions.released(recordWith(system, user), places(system, user));
  assert.ok(released);
  const left = transitions.pruned(released, places(system));
  assert.deepEqual(placesOf(left?.released), [placeOf(user)]);
  assert.equal(left && transitions.pruned(left, places(user)), undefined, 'nothing is left');
});

test('pins by hand of one image on two engines are two pins', () => {
  const root = { id: 'manual', engine: 'podman' } as const;
  const first = transitions.pinned(undefined, root, system, '');
  const both = transitions.pinned(first, root, user, '');
  assert.deepEqual(placesOf(both.staged.images), [placeOf(system), placeOf(user)]);
  const after = transitions.unpinned(both, places(system), places());
  assert.deepEqual(placesOf(after?.staged?.images), [placeOf(user)]);
});

test('pins of one image on two engines make a whole set', () => {
  const pins = [pinFor('os', system, 2), pinFor('os', user, 2)];
  const [record] = recordsFromPins(pins, new Map());
  assert.deepEqual(placesOf(record?.staged?.images), [placeOf(system), placeOf(user)]);
  const [half] = recordsFromPins(pins.slice(0, 1), new Map());
  assert.deepEqual(placesOf(half?.pending?.images), [placeOf(system)]);
});

const everywhere: RootRecord = {
  ...recordWith(system, user),
  pending: contentsWith(on('podman', 'b'), on('docker', 'b')),
  drift: [on('podman', 'c')],
  released: [{ engine: 'crio', id: system.id, names: [], size: 1 }],
};

test('the engines of a record are those of all images that it names', () => {
  assert.deepEqual([...enginesOf(everywhere)].toSorted(), ['crio', 'docker', 'podman', ANN]);
  const provided = {
    engine: 'podman' as const,
    name: 'registry.example.com/a:1',
    digest: system.id,
    id: system.id,
    directory: '/usr/lib/images',
    references: [],
  };
  const contents = { ...contentsWith(), provided: [provided] };
  const stored = { ...recordWith(), engine: 'docker' as const, staged: contents };
  assert.deepEqual([...enginesOf(stored)], ['podman'], 'whatever the record’s engine is');
  assert.deepEqual(recordIn(fileOf(stored)), stored);
  assert.deepEqual([...enginesOf(onEngines(stored, (engine) => engine === 'docker'))], []);
  const { engine: _, ...earlier } = provided;
  const file = { ...fileOf(recordWith()), staged: { ...contents, provided: [earlier] } };
  assert.deepEqual([...enginesOf(recordIn(file))], ['podman'], 'a record of an earlier version');
  assert.deepEqual([...enginesOf(recordWith())], []);
});

test('a record of one engine has none of the images of the others', () => {
  const { staged, pending, drift, released } = onEngines(everywhere, (engine) => engine === ANN);
  assert.deepEqual(
    [staged?.images, pending?.images, drift, released].map((images) => images?.length),
    [1, 0, 0, 0],
  );
});

test('in its file an image has an engine only if that is not the record’s', () => {
  const file = fileOf(everywhere);
  assert.deepEqual(
    file.staged?.images.map(({ engine }) => engine),
    [undefined, ANN],
  );
  assert.equal(file.released[0]?.engine, 'crio');
  assert.deepEqual(recordIn(file), everywhere);
});

test('`podman` in a record of a user’s own state directory is the user’s podman', () => {
  const record = withOwnPodman({ ...everywhere, released: [{ ...system, names: [] }] }, ANN);
  const { engine, staged, pending, drift, released } = record;
  const enginesIn = (images: readonly { engine: EngineId }[] = []) =>
    images.map((image) => image.engine).join(' ');
  assert.equal(engine, ANN);
  assert.equal(enginesIn(staged?.images), `${ANN} ${ANN}`);
  assert.equal(enginesIn(pending?.images), `${ANN} docker`);
  assert.equal(enginesIn(drift), ANN);
  assert.equal(enginesIn(released), ANN);
});

test('a user’s record on another engine than podman stays there', () => {
  const record = stagedRecord('os', recordImage('a', 'registry.example.com/a:1'));
  assert.deepEqual(withOwnPodman(record, ANN), record);
});
