import assert from 'node:assert/strict';
import test from 'node:test';
import type { EngineId } from '../../src/common/engine-id.ts';
import type { Absence } from '../../src/engine/engine.ts';
import { byDigest } from '../../src/image/name.ts';
import type { EngineSituation, Situation } from '../../src/lifecycle/situation.ts';
import { judge } from '../../src/lifecycle/verify.ts';
import type { Contents, RecordImage, RootRecord } from '../../src/state/record.ts';
import {
  engineSample,
  engineSituation,
  imagesById,
  pinFor,
  recordImage,
  situationIn,
  stagedRecord,
} from '../support/samples.ts';

const WEB = 'registry.example.com/web:1';
const API = 'registry.example.com/api:1';
const APP = 'podman:app';

const atBoot: Absence = { reason: 'there is no podman here', hint: 'h', takes: 'at-boot' };
const never: Absence = { reason: 'this berth knows no docker', hint: 'h', takes: 'never' };

function on(engine: EngineId, letter: string, name: string): RecordImage {
  return { ...recordImage(letter, name), engine };
}

const web = on('podman', 'a', WEB);
const api = on('docker', 'b', API);
const own = on(APP, 'a', WEB);

/** The root `os` with images on engines, and more contents of its stage. */
function rootWith(images: readonly RecordImage[], more: Partial<Contents> = {}): RootRecord {
  const record = stagedRecord('os', ...images);
  assert.ok(record.staged);
  return { ...record, engine: 'podman', staged: { ...record.staged, ...more } };
}

/** An engine that has an image, pinned and named as the root `os` wants it. */
function having(record: RootRecord, wanted: RecordImage, uid?: number): EngineSituation {
  const { engine, id, names } = wanted;
  const digests = names.map(({ name, digest }) => byDigest(name, digest));
  const image = { id, names: names.map(({ name }) => name), digests, size: 100 };
  return engineSituation(engineSample(engine, { uid }), [record], {
    images: imagesById([image]),
    pins: [pinFor('os', wanted)],
  });
}

/** An engine that has nothing, and in whose depot images may wait. */
function lacking(
  record: RootRecord,
  id: EngineId,
  waiting: readonly RecordImage[] = [],
  absence?: Absence,
): EngineSituation {
  return engineSituation(engineSample(id, { absence }), [record], {
    waiting: new Set(waiting.map((image) => image.id)),
  });
}

/** The findings in short: the code, and the engine if they are about one. */
function found(
  record: RootRecord,
  engines: readonly EngineSituation[],
  more: Partial<Situation> = {},
): readonly string[] {
  return judge(record, situationIn([record], engines, more)).map(({ code, engine }) =>
    engine === undefined ? code : `${code} ${engine}`,
  );
}

for (const [what, absence, waiting, running, expected] of [
  ['waits for an engine that takes it at the boot', atBoot, [web], undefined, []],
  ['waits for such an engine while another root runs', atBoot, [web], 'other', []],
  ['waits for it although the root runs', atBoot, [web], 'os', ['waits-for-engine podman']],
  ['waits for an engine that never takes it', never, [web], undefined, ['waits-for-engine podman']],
  [
    'does not wait for an engine that takes it at the boot',
    atBoot,
    [],
    undefined,
    ['engine-absent podman'],
  ],
  [
    'does not wait for an engine that never takes it',
    never,
    [],
    undefined,
    ['engine-absent podman'],
  ],
  ['is not the image that waits', atBoot, [api], undefined, ['engine-absent podman']],
  [
    'waits to be unpacked by an engine that is there',
    undefined,
    [web],
    undefined,
    ['not-unpacked podman'],
  ],
  ['is not there', undefined, [], undefined, ['image-missing podman']],
] as const) {
  test(`an image that ${what}`, () => {
    const record = rootWith([web]);
    const engines = [lacking(record, 'podman', waiting, absence)];
    assert.deepEqual(found(record, engines, { running }), expected);
  });
}

test('a finding about an absent engine says why it is absent, and what to do', () => {
  const record = rootWith([web]);
  for (const waiting of [[], [web]]) {
    const situation = situationIn([record], [lacking(record, 'podman', waiting, never)]);
    const [finding] = judge(record, situation);
    assert.match(finding?.message ?? '', /this berth knows no docker/);
    const hint =
      waiting.length > 0 ? 'h' : 'run `berth stage` on /srv/os again, which downloads it';
    assert.deepEqual([finding?.hint, finding?.name, finding?.id], [hint, WEB, web.id]);
  }
});

test('an image of a user’s unit in root’s podman, as earlier versions staged it, is not ready', () => {
  const place = { raw: WEB, path: '/u.container', line: 2, key: 'Image', unit: 'u.service' };
  const namedBy = (scope: string | undefined): RecordImage => {
    const references = [scope === undefined ? place : { ...place, scope }];
    return { ...web, names: web.names.map((name) => ({ ...name, references })) };
  };
  const judged = (image: RecordImage) => {
    const record = rootWith([image]);
    return found(record, [having(record, image)]);
  };
  assert.deepEqual(judged(namedBy(undefined)), []);
  assert.deepEqual(judged(namedBy('user')), ['not-staged podman']);
  assert.deepEqual(judged(namedBy('user:1001')), ['not-staged podman']);
  assert.deepEqual(judged({ ...namedBy('user:1001'), engine: APP }), []);
});

test('a root is ready only if each of its engines has its images', () => {
  const record = rootWith([web, own]);
  assert.deepEqual(found(record, [having(record, web), having(record, own)]), []);
  assert.deepEqual(found(record, [having(record, web), lacking(record, APP)]), [
    `image-missing ${APP}`,
  ]);
  assert.deepEqual(found(record, [lacking(record, 'podman'), having(record, own)]), [
    'image-missing podman',
  ]);
});

test('a pin in one engine is none in another', () => {
  const record = rootWith([web, own]);
  const unpinned = { ...having(record, own), pins: [] };
  assert.deepEqual(found(record, [having(record, web), unpinned]), [`pin-missing ${APP}`]);
});

test('a name of one engine may mean another image in another engine', () => {
  const other = on(APP, 'c', WEB);
  const record = rootWith([web, other]);
  assert.deepEqual(found(record, [having(record, web), having(record, other)]), []);
});

for (const [what, users, uid, waiting, expected] of [
  ['has the same UID', { app: 1001 }, 1001, [], []],
  ['has another UID, and waits', { app: 1002 }, 1001, [own], []],
  ['has another UID, and does not wait', { app: 1002 }, 1001, [], [`engine-absent ${APP}`]],
  ['is not noted', undefined, 1001, [], []],
] as const) {
  test(`an image of a user who in the root ${what}`, () => {
    const record = rootWith([own], users === undefined ? {} : { users });
    const ids = new Set(waiting.map(({ id }) => id));
    assert.deepEqual(found(record, [{ ...having(record, own, uid), waiting: ids }]), expected);
  });
}

test('a run that is for one engine judges that engine alone', () => {
  const record = rootWith([web, api]);
  const engines = [having(record, web)];
  assert.deepEqual(found(record, engines, { chosen: { only: 'podman' } }), []);
  assert.deepEqual(found(record, [lacking(record, 'podman')], { chosen: { only: 'podman' } }), [
    'image-missing podman',
  ]);
});

test('a stage that was for one engine leaves out others, and a run for all engines says so', () => {
  const record = rootWith([web], { leftOut: ['docker', APP] });
  const engines = [having(record, web)];
  assert.deepEqual(found(record, engines), ['engine-left-out docker', `engine-left-out ${APP}`]);
  assert.deepEqual(found(record, engines, { chosen: { only: 'podman' } }), []);
});

for (const [what, images, chosen, expected] of [
  ['where its containers run', [web], {}, []],
  ['on the store, not where its containers run', [on('store', 'a', WEB)], {}, ['not-staged']],
  ['on the store, as the run asks', [on('store', 'a', WEB)], { all: 'store' }, []],
  ['where its containers run, not on the store', [web], { all: 'store' }, ['not-staged']],
  ['on another engine than the run is for', [web], { only: 'docker' }, ['not-staged']],
] as const) {
  test(`a root that is staged ${what}`, () => {
    const record = rootWith(images);
    const engines = images.map((image) => having(record, image));
    assert.deepEqual(found(record, engines, { chosen }), expected);
    const [finding] = judge(record, situationIn([record], engines, { chosen }));
    if (finding === undefined) return;
    assert.match(finding.message, /os is staged on (podman|store), not (where|on) /);
    assert.match(finding.hint, /--engine/);
  });
}

test('a root that names images and binds none is not ready', () => {
  const record = rootWith([], { unbound: 4 });
  const situation = situationIn([record], [lacking(record, 'podman')]);
  const [finding, ...more] = judge(record, situation);
  assert.deepEqual([finding?.code, more], ['nothing-bound', []]);
  assert.match(finding?.message ?? '', /4 images/);
  assert.deepEqual(found(rootWith([]), [lacking(record, 'podman')]), [], 'it names none');
});

test('an unfinished stage lacks images of each engine', () => {
  const { staged: pending, ...rest } = rootWith([web, own]);
  assert.ok(pending);
  const record = { ...rest, pending };
  const [here, missing] = [having(record, web), lacking(record, APP)];
  assert.deepEqual(found(record, [here, missing]), ['unfinished', `image-missing ${APP}`]);
  const waits = lacking(record, APP, [own]);
  assert.deepEqual(found(record, [here, waits]), [`not-unpacked ${APP}`]);
});
