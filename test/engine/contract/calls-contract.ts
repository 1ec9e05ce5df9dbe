import assert from 'node:assert/strict';
import { watch } from 'node:fs';
import type { TestContext } from 'node:test';
import type { Engine } from '../../../src/engine/engine.ts';
import { EngineError } from '../../../src/engine/errors.ts';
import { missingOf } from '../../support/missing.ts';
import { checkAtOnce } from './at-once.ts';
import { fetchFrom, namesOf, pinnedFor, requestFor, withEngine } from './calls.ts';
import { ownPlatform, pushSmall, repositoryOf } from './images.ts';
import type { TestedEngine } from './tested-engine.ts';

/** Checks that an engine keeps what `Engine` promises of its calls; the same tests run for every engine. */
export async function testCalls(t: TestContext, tested: TestedEngine): Promise<void> {
  t.diagnostic(`the engine is ${tested.version}`);
  for (const [name, check] of Object.entries(checks)) {
    await t.test(`${tested.version}: ${name}`, () =>
      withEngine(tested, (engine) => check(engine, tested)),
    );
  }
}

type Check = (engine: Engine, tested: TestedEngine) => Promise<void>;

const checks: Readonly<Record<string, Check>> = {
  'a fetch names the image by its digest, and touches no tag': async (engine, tested) => {
    const old = pushSmall(tested, 'tagged:1', 1);
    const image = pushSmall(tested, 'tagged:1', 2);
    await fetchFrom(engine, old);
    await engine.tag(engine.idOf(old), old.name);
    assert.equal(await fetchFrom(engine, image), engine.idOf(image));
    const found = (await engine.images()).find(({ id }) => id === engine.idOf(image));
    assert.ok(found?.digests.includes(`${repositoryOf(image)}@${image.digest}`));
    assert.deepEqual(found?.names, []);
    assert.deepEqual(await namesOf(engine, engine.idOf(old)), [old.name]);
  },

  'what is present is not downloaded again': async (engine, tested) => {
    const image = pushSmall(tested, 'again:1', 3);
    await fetchFrom(engine, image);
    const { requests } = tested.machine.registry;
    const before = requests.length;
    await fetchFrom(engine, image);
    assert.deepEqual(
      requests.slice(before).filter(({ path }) => path.includes('/blobs/')),
      [],
    );
  },

  'the blobs that are missing are told before a fetch, and no layer is after': async (
    engine,
    tested,
  ) => {
    const image = pushSmall(tested, 'missing:1', 22);
    const [config, shared, own] = image.blobs;
    await fetchFrom(engine, pushSmall(tested, 'missing:2', 23));
    const digests = (await missingOf(engine, image)).map(({ digest }) => digest);
    assert.deepEqual(digests, [config?.digest, own?.digest], 'the other image brought a layer');
    await fetchFrom(engine, image);
    const left = await missingOf(engine, image);
    assert.ok(!left.some(({ digest }) => digest === own?.digest || digest === shared?.digest));
  },

  'one platform of an index is fetched, and the name by digest is the index’s': async (
    engine,
    tested,
  ) => {
    const image = pushSmall(tested, 'index:1', 4, [ownPlatform, 'linux/s390x']);
    assert.notEqual(image.digest, image.manifest);
    await fetchFrom(engine, image);
    const found = (await engine.images()).find(({ id }) => id === engine.idOf(image));
    assert.ok(found?.digests.includes(`${repositoryOf(image)}@${image.digest}`));
  },

  'has and images agree': async (engine, tested) => {
    const image = pushSmall(tested, 'agree:1', 5);
    const absent = `sha256:${'0'.repeat(64)}`;
    assert.equal(await engine.has(engine.idOf(image)), false);
    await fetchFrom(engine, image);
    for (const { id } of await engine.images()) assert.equal(await engine.has(id), true);
    assert.equal(await engine.has(engine.idOf(image)), true);
    assert.equal(await engine.has(absent), false);
    assert.equal(await engine.remove(engine.idOf(image)), true);
    assert.equal(await engine.has(engine.idOf(image)), false);
    assert.ok(!(await engine.images()).some(({ id }) => id === engine.idOf(image)));
  },

  'a tag moves, and the image that it left stays pinned': async (engine, tested) => {
    const old = pushSmall(tested, 'moved:1', 6);
    const image = pushSmall(tested, 'moved:1', 7);
    for (const each of [old, image]) await fetchFrom(engine, each);
    const [oldId, id] = [engine.idOf(old), engine.idOf(image)];
    await engine.pin('moved', [requestFor(engine, old)]);
    await engine.tag(oldId, old.name);
    await engine.tag(id, image.name);
    assert.deepEqual(await namesOf(engine, id), [image.name]);
    assert.deepEqual(await namesOf(engine, oldId), []);
    assert.deepEqual(await pinnedFor(engine, 'moved'), [oldId]);
    assert.equal(await engine.remove(oldId), false);
    assert.equal(await engine.has(oldId), true);
  },

  'two callers bring, pin and name the same image at once': checkAtOnce,

  'one name of several goes, and the image stays with the others': async (engine, tested) => {
    const image = pushSmall(tested, 'several:1', 8);
    const id = engine.idOf(image);
    await fetchFrom(engine, image);
    const names = ['1', '2', '3'].map((tag) => `${repositoryOf(image)}:${tag}`);
    for (const name of names) await engine.tag(id, name);
    await engine.pin('several', [requestFor(engine, image)]);
    assert.deepEqual(await namesOf(engine, id), names);
    await tested.untag(names[1] ?? '', id);
    assert.deepEqual(await namesOf(engine, id), [names[0], names[2]]);
    assert.equal(await engine.has(id), true);
    assert.deepEqual(await pinnedFor(engine, 'several'), [id]);
    await engine.tag(id, names[1] ?? '');
    assert.deepEqual(await namesOf(engine, id), names);
  },

  'a tag for an image that is not there is refused': async (engine) => {
    await assert.rejects(
      engine.tag(`sha256:${'0'.repeat(64)}`, 'registry.example.com/absent:1'),
      (error) => error instanceof EngineError && error.code === 'no-such-image',
    );
  },

  'a pin says again what was asked for': async (engine, tested) => {
    const image = pushSmall(tested, 'says:1', 9);
    await fetchFrom(engine, image);
    const asked = {
      ...requestFor(engine, image, { images: 7 }),
      names: ['says:1', 'says:two'].map((name) => ({
        name: `${tested.machine.registry.host}/${name}`,
        digest: image.digest,
        manifest: image.manifest,
      })),
    };
    await engine.pin('says', [asked]);
    const [pin, ...others] = (await engine.pins()).filter(({ root }) => root === 'says');
    assert.deepEqual(others, []);
    assert.ok(pin);
    const { id, platform, names, fetched } = pin;
    assert.deepEqual({ id, platform, names, fetched, record: { ...pin.record } }, asked);
  },

  'pinned again, an image has one pin, which says the new': async (engine, tested) => {
    const image = pushSmall(tested, 'twice:1', 10);
    await fetchFrom(engine, image);
    await engine.pin('twice', [requestFor(engine, image)]);
    await engine.pin('twice', [requestFor(engine, image)]);
    await engine.pin('twice', [requestFor(engine, image, { staged: '2026-02-02T00:00:00Z' })]);
    const pins = (await engine.pins()).filter(({ root }) => root === 'twice');
    assert.deepEqual(
      pins.map(({ record }) => record.staged),
      ['2026-02-02T00:00:00Z'],
    );
  },

  'what pins say can be pinned again, for the same root and another': async (engine, tested) => {
    const image = pushSmall(tested, 'from-pins:1', 21);
    const id = await fetchFrom(engine, image);
    await engine.pin('from-pins', [requestFor(engine, image)]);
    const pins = (await engine.pins()).filter(({ root }) => root === 'from-pins');
    for (const root of ['from-pins', 'from-pins-too']) {
      await engine.pin(root, pins);
      assert.deepEqual(await pinnedFor(engine, root), [id]);
    }
  },

  'an image that is gone can’t be pinned': async (engine, tested) => {
    const image = pushSmall(tested, 'gone:1', 11);
    await fetchFrom(engine, image);
    const request = requestFor(engine, image);
    assert.equal(await engine.remove(request.id), true);
    await assert.rejects(
      engine.pin('gone', [request]),
      (error) => error instanceof EngineError && error.code === 'no-such-image',
    );
    assert.deepEqual(await pinnedFor(engine, 'gone'), []);
  },

  'two roots share an image, which goes when neither pins it': async (engine, tested) => {
    const image = pushSmall(tested, 'shared:1', 12);
    const id = await fetchFrom(engine, image);
    await engine.tag(id, image.name);
    for (const root of ['share-a', 'share-b']) {
      await engine.pin(root, [requestFor(engine, image)]);
    }
    for (const root of ['share-a', 'share-b']) {
      const before = (await engine.images()).find((found) => found.id === id);
      assert.equal(await engine.remove(id), false);
      const after = (await engine.images()).find((found) => found.id === id);
      assert.deepEqual(after, before, 'a removal that is refused changes nothing');
      await engine.unpin((await engine.pins()).filter((pin) => pin.root === root));
      assert.equal(await engine.has(id), true, 'to unpin removes no image');
      assert.deepEqual(await namesOf(engine, id), [image.name]);
    }
    assert.equal(await engine.remove(id), true);
    assert.equal(await engine.has(id), false);
  },

  'unpinned, a root lets go of what it is told and no more': async (engine, tested) => {
    const images = [13, 14].map((seed) => pushSmall(tested, `apart${seed}:1`, seed));
    const ids: string[] = [];
    for (const image of images) ids.push(await fetchFrom(engine, image));
    await engine.pin(
      'apart',
      images.map((image) => requestFor(engine, image, { images: 2 })),
    );
    const pins = (await engine.pins()).filter(({ root, id }) => root === 'apart' && id === ids[0]);
    await engine.unpin(pins);
    await engine.unpin(pins);
    assert.deepEqual(await pinnedFor(engine, 'apart'), [ids[1]]);
  },

  'what would become free is more for more images, and nothing for none': async (
    engine,
    tested,
  ) => {
    const images = [15, 16].map((seed) => pushSmall(tested, `freed${seed}:1`, seed));
    const ids: string[] = [];
    for (const image of images) ids.push(await fetchFrom(engine, image));
    const [one = ''] = ids;
    assert.equal(await engine.freed(new Set()), 0);
    const ofOne = await engine.freed(new Set([one]));
    const ofBoth = await engine.freed(new Set(ids));
    assert.ok(ofOne > 0 && ofBoth > ofOne, `${ofOne}, ${ofBoth}`);
  },

  'each pin takes of the room for pins, and gives it back': async (engine, tested) => {
    const images = [17, 18].map((seed) => pushSmall(tested, `room${seed}:1`, seed));
    for (const image of images) await fetchFrom(engine, image);
    const before = await roomIn(engine);
    const requests = images.map((image) => requestFor(engine, image, { images: 2 }));
    await engine.pin('room', requests);
    if (before === undefined) assert.ok(await hasRoom(engine, TOO_MANY));
    else {
      // One lock for each pin, and one for the pod of the root.
      const left = before - images.length - 1;
      assert.ok(await hasRoom(engine, left));
      assert.ok(!(await hasRoom(engine, left + 1)));
      await engine.unpin((await engine.pins()).filter(({ root }) => root === 'room'));
      assert.ok(await hasRoom(engine, before));
    }
  },

  'images, names and pins outlive a restart of the engine and of the machine': async (
    opened,
    tested,
  ) => {
    const image = pushSmall(tested, 'outlives:1', 19);
    const id = await fetchFrom(opened, image);
    await opened.tag(id, image.name);
    await opened.pin('outlives', [requestFor(opened, image)]);
    const look = async (engine: Engine) => {
      assert.deepEqual(await namesOf(engine, id), [image.name]);
      assert.deepEqual(await pinnedFor(engine, 'outlives'), [id]);
      assert.equal(await engine.remove(id), false);
      await engine.pin('outlives', [requestFor(engine, image)]);
      assert.deepEqual(await pinnedFor(engine, 'outlives'), [id]);
    };
    for (const again of [tested.restart, tested.reboot]) {
      await again();
      await look(opened);
      await withEngine(tested, look);
    }
  },

  'killed during a fetch, it fetches when asked again': async (_, tested) => {
    const image = pushSmall(tested, 'killed-fetch:1', 20);
    const { registry } = tested.machine;
    const asked = Promise.withResolvers<void>();
    registry.fault = ({ path }) => {
      if (!path.endsWith(image.blobs.at(-1)?.digest ?? '')) return undefined;
      asked.resolve();
      return { kind: 'stall', after: 100 };
    };
    try {
      await tested.killDuring({ fetch: image }, asked.promise);
    } finally {
      registry.fault = undefined;
    }
    await withEngine(tested, async (engine) => {
      await engine.repair?.(AbortSignal.timeout(REPAIRED_IN_MS));
      assert.equal(await engine.has(engine.idOf(image)), false);
      assert.equal(await engine.has(await fetchFrom(engine, image)), true);
    });
  },

  'killed during a pin, it pins when asked again': async (first, tested) => {
    const images = Array.from({ length: 5 }, (_, i) =>
      pushSmall(tested, `killed-pin${i}:1`, 30 + i),
    );
    for (const image of images) await fetchFrom(first, image);
    const pin = images.map((image) => requestFor(first, image, { images: images.length }));
    const ids = pin.map(({ id }) => id).sort();
    // The directory of pins exists only after the first pin.
    await first.pin('before', pin.slice(0, 1));
    const watcher = watch(tested.pinDirectory);
    const changed = new Promise((done) => watcher.once('change', done));
    try {
      await tested.killDuring({ root: 'killed', pin }, changed);
    } finally {
      watcher.close();
    }
    await withEngine(tested, async (engine) => {
      await engine.repair?.(AbortSignal.timeout(REPAIRED_IN_MS));
      for (const id of await pinnedFor(engine, 'killed')) assert.ok(ids.includes(id));
      await engine.pin('killed', pin);
      assert.deepEqual(await pinnedFor(engine, 'killed'), ids);
    });
  },

  'a hundred pins, of some roots that share images': async (engine, tested) => {
    const images = Array.from({ length: 25 }, (_, i) => pushSmall(tested, `many${i}:1`, 100 + i));
    const ids = await Promise.all(images.map((image) => fetchFrom(engine, image)));
    const requests = images.map((image) => requestFor(engine, image, { images: images.length }));
    const roots = ['many-a', 'many-b', 'many-c', 'many-d'];
    for (const root of roots) await engine.pin(root, requests);
    const pins = (await engine.pins()).filter(({ root }) => roots.includes(root));
    assert.equal(pins.length, 100);
    for (const root of roots) assert.deepEqual(await pinnedFor(engine, root), ids.toSorted());
  },
};

/** Only catches a repair that hangs. */
const REPAIRED_IN_MS = 10 * 60_000;

/** More pins than a podman has locks, unless it is configured for more. */
const TOO_MANY = 2048;

/** The most pins of a new root for which there is room; undefined if there is no limit. */
async function roomIn(engine: Engine): Promise<number | undefined> {
  if (await hasRoom(engine, TOO_MANY)) return undefined;
  let [least, most] = [0, TOO_MANY];
  while (most - least > 1) {
    const middle = Math.floor((least + most) / 2);
    if (await hasRoom(engine, middle)) least = middle;
    else most = middle;
  }
  return least;
}

async function hasRoom(engine: Engine, count: number): Promise<boolean> {
  return (await engine.roomFor('a-new-root', count)) === undefined;
}
