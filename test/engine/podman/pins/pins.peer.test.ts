import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { EngineError } from '../../../../src/engine/errors.ts';
import { pinLabels, SEAL_LABEL } from '../../../../src/engine/pins/labels.ts';
import { newPinName } from '../../../../src/engine/pins/pin-name.ts';
import { Seals } from '../../../../src/engine/pins/seals.ts';
import { openPodman } from '../../../../src/engine/podman/podman.ts';
import { forge } from '../../../support/forgery.ts';
import { buildImage } from '../../../support/image-builder.ts';
import { skipPodman, type TestPodman } from '../../../support/podman.ts';
import { wrappedPodman } from '../../../support/podman-wrapper.ts';
import { fromRegistry } from '../../../support/source.ts';
import { temporaryDirectory } from '../../../support/temporary.ts';
import { openHarbour, pinRequest, resolvedOf } from '../fixture.ts';

const skip = skipPodman;

test('pins outlive every prune and plain removal', { skip }, async (t) => {
  const { podman, engine, fetched } = await openHarbour(t);
  const image = await fetched('app:1', 1);
  const unpinned = await fetched('other:1', 2);
  await engine.tag(image.config, image.name);
  await engine.pin('os-1', [pinRequest(image)]);
  const before = await engine.pins();
  const commands = [
    ['rmi', image.config],
    ['image', 'prune', '--all', '--force'],
    ['container', 'prune', '--force'],
    ['pod', 'prune', '--force'],
    ['volume', 'prune', '--force'],
    ['start', '--all'],
    ['pod', 'start', '--all'],
    ['stop', '--all'],
    ['container', 'prune', '--force'],
    ['system', 'prune', '--all', '--volumes', '--force'],
  ];
  for (const command of commands) {
    const { code } = await podman.tryPodman(...command);
    if (command[0] === 'rmi') assert.notEqual(code, 0);
    assert.deepEqual(await engine.pins(), before, command.join(' '));
  }
  const images = await engine.images();
  assert.deepEqual(
    images.map(({ id, names }) => ({ id, names })),
    [{ id: image.config, names: [image.name] }],
  );
  assert.ok(!images.some(({ id }) => id === unpinned.config), 'the prunes were real ones');
});

test('a plain rmi takes one of several names away, and tag gives it back', { skip }, async (t) => {
  const { podman, engine, fetched } = await openHarbour(t);
  const image = await fetched('app:1', 1);
  await engine.tag(image.config, image.name);
  await engine.pin('os-1', [pinRequest(image)]);
  await podman.podman('rmi', image.name);
  assert.deepEqual((await engine.images())[0]?.names, []);
  await engine.tag(image.config, image.name);
  assert.deepEqual((await engine.images())[0]?.names, [image.name]);
});

for (const trixie of [false, true]) {
  const version = trixie ? '5.4' : '4.3';
  const open = (t: TestContext) =>
    openHarbour(
      t,
      trixie
        ? { podman: { environment: { PATH: wrappedPodman(temporaryDirectory(t), { trixie }) } } }
        : {},
    );
  const containers = (podman: TestPodman) => podman.podman('ps', '--all', '--external', '--quiet');
  const pods = (podman: TestPodman) => podman.podman('pod', 'ps', '--quiet');

  test(`${version}: nothing is left of a pin of a manifest list`, { skip }, async (t) => {
    const { podman, engine, fetched } = await open(t);
    const image = await fetched('app:1', 1);
    const list = ['localhost/list:1', `containers-storage:${image.config.slice('sha256:'.length)}`];
    await podman.podman('manifest', 'create', ...list.slice(0, 1));
    const idOfList = async () =>
      (await engine.images()).find(({ names }) => names.includes('localhost/list:1'))?.id ?? '';
    const pin = async () => engine.pin('os-1', [{ ...pinRequest(image), id: await idOfList() }]);
    // podman finds no image in an empty list.
    await assert.rejects(pin, EngineError);
    assert.equal(`${await containers(podman)}${await pods(podman)}`, '');
    await podman.podman('manifest', 'add', ...list);
    await assert.rejects(pin, /is a manifest list/);
    assert.equal(`${await containers(podman)}${await pods(podman)}`, '');
    // The pins of other images of the root stay.
    await engine.pin('os-1', [pinRequest(image)]);
    const before = await engine.pins();
    await assert.rejects(pin, /is a manifest list/);
    assert.deepEqual(await engine.pins(), before);
    assert.equal((await containers(podman)).split('\n').length, 1);
    // The reason why a list is refused: a container of it does not hold it.
    await podman.podman('create', '--network', 'none', 'localhost/list:1', '/x');
    await podman.podman('image', 'prune', '--all', '--force');
    assert.equal(await idOfList(), '');
  });

  test(`${version}: what pins leave behind is tidied`, { skip }, async (t) => {
    const { podman, engine, fetched } = await open(t);
    const image = await fetched('app:1', 1);
    const other = await fetched('other:1', 2);
    await engine.pin('os-1', [pinRequest(image)]);
    // An earlier berth left such containers: they hold another image than their seals name.
    const pin = pinRequest(other);
    for (const root of ['os-1', 'os-2', 'os-3']) {
      const name = newPinName(root);
      const labels = pinLabels(root, pin);
      const seal = new Seals(podman.pinKey).make(name, labels);
      const body = { image: image.config.replace('sha256:', '') };
      // Somebody else can't make a seal.
      const sealed = root === 'os-3' ? seal.toUpperCase() : seal;
      await forge(podman.socket, { root, pin, name, labels: { [SEAL_LABEL]: sealed }, body });
    }
    const before = await engine.pins();
    assert.equal((await containers(podman)).split('\n').length, 4);
    await engine.tidyPins?.();
    assert.deepEqual(await engine.pins(), before);
    assert.equal((await containers(podman)).split('\n').length, 2);
    assert.equal((await pods(podman)).split('\n').length, 2, 'those with a container in them');
    await podman.podman('rm', '--all');
    assert.equal((await pods(podman)).split('\n').length, 2);
    await engine.tidyPins?.();
    assert.equal(await pods(podman), '');
  });
}

test('the last name is safe from a plain rmi', { skip }, async (t) => {
  const { podman, engine, fetched } = await openHarbour(t);
  const image = await fetched('app:1', 1);
  await engine.pin('os-1', [pinRequest(image)]);
  const name = `${image.name.replace(/:1$/, '')}@${image.digest}`;
  assert.notEqual((await podman.tryPodman('rmi', name)).code, 0);
  assert.deepEqual((await engine.images())[0]?.digests, [name]);
});

test('a pin runs nothing, whoever starts it', { skip }, async (t) => {
  const { podman, engine, fetched } = await openHarbour(t);
  const image = await fetched('app:1', 1);
  await engine.pin('os-1', [pinRequest(image)]);
  const [pin] = await engine.pins();
  assert.ok(pin !== undefined);
  assert.notEqual((await podman.tryPodman('start', pin.handle)).code, 0);
  const state = ['inspect', '--format', '{{.State.Status}} {{.Path}}', pin.handle];
  assert.equal(await podman.podman(...state), 'created /.berth-pin');
});

for (const [words, loses] of [
  [['rm', '--all', '--force'], false],
  [['rm', '--all'], false],
  [['pod', 'rm', '--all', '--force'], false],
  [['rmi', '--force', 'IMAGE'], true],
] as const) {
  test(`podman ${words.join(' ')} takes pins, which is told and mended`, { skip }, async (t) => {
    const { podman, engine, fetched } = await openHarbour(t);
    const image = await fetched('app:1', 1);
    await engine.pin('os-1', [pinRequest(image)]);
    const command = words.map((word) => (word === 'IMAGE' ? image.config : word));
    await podman.podman(...command);
    assert.deepEqual(await engine.pins(), []);
    assert.equal((await engine.images()).length, loses ? 0 : 1);
    if (loses) {
      await assert.rejects(
        engine.pin('os-1', [pinRequest(image)]),
        (error) => error instanceof EngineError && error.code === 'no-such-image',
      );
      await engine.fetch(image, fromRegistry());
    }
    await engine.pin('os-1', [pinRequest(image)]);
    assert.equal((await engine.pins()).length, 1);
    const pods = await podman.podman('pod', 'ls', '--quiet');
    assert.equal(pods.split('\n').length, 1, 'an empty pod is used again');
  });
}

test('pins come back after the database was deleted', { skip }, async (t) => {
  const { podman, engine, fetched } = await openHarbour(t);
  const [one, two] = [await fetched('one:1', 1), await fetched('two:1', 2)];
  await engine.pin('os-1', [pinRequest(one), pinRequest(two)]);
  await engine.pin('os-2', [pinRequest(one)]);
  const database = join(podman.directory, 'root/libpod/bolt_state.db');
  await podman.restart(() => rmSync(database));
  assert.deepEqual(await engine.pins(), []);
  assert.equal((await external(podman)).length, 3);
  await engine.pin('os-1', [pinRequest(one), pinRequest(two)]);
  assert.equal((await engine.pins()).length, 2);
  assert.equal((await external(podman)).length, 1, 'its own leftovers are cleared, no others');
  await engine.unpin(await engine.pins());
  assert.ok(await engine.remove(one.config), 'what the lost database held is nobody’s');
  assert.deepEqual(await external(podman), []);
  assert.deepEqual(
    (await engine.images()).map(({ id }) => id),
    [two.config],
  );
});

/** The names of the containers that podman's database does not know. */
async function external(podman: TestPodman): Promise<readonly string[]> {
  const list = await podman.podman(
    'ps',
    '--all',
    '--external',
    '--format',
    '{{.Status}} {{.Names}}',
  );
  return list.split('\n').filter((line) => line.startsWith('Storage'));
}

test('pins say again what they were made with', { skip }, async (t) => {
  const { engine, fetched } = await openHarbour(t);
  const image = await fetched('app:1', 1);
  const root = `${'a'.repeat(64)}.0@My_os+1-x`;
  const deployment = { updater: 'ostree', role: 'staged' } as const;
  const record = { ...pinRequest(image).record, location: '/öd "x" = {$(y)}', deployment };
  const request = { ...pinRequest(image), fetched: false, record };
  await engine.pin(root, [request]);
  const [pin, ...others] = await engine.pins();
  assert.deepEqual(others, []);
  const { handle, ...rest } = pin ?? assert.fail();
  assert.deepEqual(rest, { ...request, engine: 'podman', root, sealed: true });
  await engine.pin(root, [request]);
  assert.equal((await engine.pins())[0]?.handle, handle, 'what is right already stays');
});

test('a pin that labels can’t hold is refused before anything is made', { skip }, async (t) => {
  const { podman, engine, fetched } = await openHarbour(t);
  const request = pinRequest(await fetched('app:1', 1));
  for (const root of ['', '..', '../../victim/policy', 'booted', 'a\n']) {
    await assert.rejects(
      engine.pin(root, [request]),
      /that can be read back, found one that can't/,
    );
  }
  assert.equal(await podman.podman('ps', '--all', '--quiet'), '');
  assert.equal(await podman.podman('pod', 'ls', '--quiet'), '');
});

test('a pin that must say something else is replaced', { skip }, async (t) => {
  const { podman, engine, fetched } = await openHarbour(t);
  const [one, two] = [await fetched('one:1', 1), await fetched('two:1', 2)];
  await engine.pin('os-1', [pinRequest(one), pinRequest(two)]);
  const later = pinRequest(one, '2026-01-01T00:00:00Z');
  await engine.pin('os-1', [later]);
  const staged = (await engine.pins()).map((pin): [string, string] => [pin.id, pin.record.staged]);
  assert.deepEqual(
    new Map(staged),
    new Map([
      [one.config, '2026-01-01T00:00:00Z'],
      [two.config, '2025-01-01T00:00:00Z'],
    ]),
  );
  assert.equal((await podman.podman('ps', '--all', '--quiet')).split('\n').length, 2);
});

test('unpin drops one root’s pins and its pod when it is empty, and no image', {
  skip,
}, async (t) => {
  const { podman, engine, fetched } = await openHarbour(t);
  const [one, two] = [await fetched('one:1', 1), await fetched('two:1', 2)];
  await engine.pin('os-1', [pinRequest(one), pinRequest(two)]);
  await engine.pin('os-2', [pinRequest(one)]);
  const ofFirst = (await engine.pins()).filter(({ root }) => root === 'os-1');
  await engine.unpin(ofFirst.filter(({ id }) => id === one.config));
  assert.equal((await podman.podman('pod', 'ls', '--quiet')).split('\n').length, 2);
  await engine.unpin(ofFirst);
  assert.deepEqual(
    (await engine.pins()).map(({ root, id }) => [root, id]),
    [['os-2', one.config]],
  );
  assert.equal((await podman.podman('pod', 'ls', '--quiet')).split('\n').length, 1);
  assert.equal((await engine.images()).length, 2);
  await engine.unpin(ofFirst);
});

test('an image can’t pretend that its containers are pins', { skip }, async (t) => {
  const { registry, podman, engine, fetched } = await openHarbour(t);
  const image = await fetched('app:1', 1);
  const request = pinRequest(image);
  await engine.pin('os-1', [request]);
  const pins = await engine.pins();
  const built = buildImage({
    layers: [{ files: { a: 'b' } }],
    labels: pinLabels('os-1', request),
    entrypoint: ['/sleep'],
  });
  registry.push('hostile:1', built);
  const [hostile] = resolvedOf(`${registry.host}/hostile:1`, built);
  assert.ok(hostile !== undefined);
  await engine.fetch(hostile, fromRegistry());
  await podman.podman('create', '--name', 'mine', hostile.config);
  const label = ['inspect', '--format', '{{index .Config.Labels "berth.root"}}', 'mine'];
  assert.equal(await podman.podman(...label), 'os-1', 'podman hands labels on');
  assert.deepEqual(await engine.pins(), pins);
  await engine.unpin(pins);
  await podman.podman('container', 'exists', 'mine');
});

test('two processes that pin the same at once end with the same hold', { skip }, async (t) => {
  const { podman, engine, fetched } = await openHarbour(t);
  const images = await Promise.all([1, 2, 3].map((n) => fetched(`app${n}:1`, n)));
  const other = await openPodman({
    user: false,
    pinKey: podman.pinKey,
    environment: podman.environment,
  });
  t.after(() => other.close());
  const requests = images.map((image) => pinRequest(image));
  await Promise.all([engine, other, engine, other].map((each) => each.pin('os-1', requests)));
  const ids = (await engine.pins()).map(({ id }) => id).sort();
  assert.deepEqual(ids, images.map(({ config }) => config).sort());
  await engine.pin('os-1', requests);
  assert.equal((await podman.podman('ps', '--all', '--quiet')).split('\n').length, 3);
  await engine.unpin(await engine.pins());
  assert.equal(await podman.podman('ps', '--all', '--quiet'), '');
  assert.equal(await podman.podman('pod', 'ls', '--quiet'), '', 'doubles of the pod go too');
});

test('an image of another platform is pinned as any', { skip }, async (t) => {
  const { engine, push } = await openHarbour(t);
  const [, foreign] = push('app:1', 1, ['linux/amd64', 'linux/s390x']);
  assert.ok(foreign !== undefined);
  assert.equal(await engine.fetch(foreign, fromRegistry()), foreign.config);
  await engine.pin('os-1', [pinRequest(foreign)]);
  assert.deepEqual(
    (await engine.pins()).map(({ platform }) => platform),
    ['linux/s390x'],
  );
});
