import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { EngineError } from '../../../../src/engine/errors.ts';
import { skipPodman } from '../../../support/podman.ts';
import { fromRegistry } from '../../../support/source.ts';
import { openHarbour, pinRequest } from '../fixture.ts';

const skip = skipPodman;

test('a tag moves, and names nothing that is not there', { skip }, async (t) => {
  const { registry, podman, engine, fetched } = await openHarbour(t);
  const [one, two] = [await fetched('one:1', 1), await fetched('two:1', 2)];
  const name = `${registry.host}/app:latest`;
  await engine.tag(one.config, name);
  await engine.tag(two.config, name);
  const images = new Map((await engine.images()).map((image) => [image.id, image]));
  assert.deepEqual(images.get(one.config)?.names, []);
  assert.deepEqual(images.get(two.config)?.names, [name]);
  assert.ok(images.get(two.config)?.digests.includes(`${registry.host}/two@${two.digest}`));
  assert.ok((images.get(two.config)?.size ?? 0) > 2000);
  const id = await podman.podman('image', 'inspect', '--format', '{{.Id}}', name);
  assert.equal(`sha256:${id}`, two.config);
  await assert.rejects(
    engine.tag(`sha256:${'0'.repeat(64)}`, name),
    (error) => error instanceof EngineError && error.code === 'no-such-image',
  );
});

test('remove takes an image with all its names', { skip }, async (t) => {
  const { registry, engine, push, fetched } = await openHarbour(t);
  const image = await fetched('app:1', 1);
  push('copy:1', 1);
  await engine.fetch({ ...image, name: `${registry.host}/copy:1` }, fromRegistry());
  await engine.tag(image.config, `${registry.host}/app:1`);
  await engine.tag(image.config, 'localhost:5000/a/b:2');
  assert.ok(await engine.remove(image.config));
  assert.deepEqual(await engine.images(), []);
  assert.ok(await engine.remove(image.config), 'one that is gone already is removed');
});

test('remove takes an image without any name', { skip }, async (t) => {
  const { podman, engine, fetched } = await openHarbour(t);
  const image = await fetched('app:1', 1);
  await podman.podman('untag', image.config);
  assert.deepEqual((await engine.images())[0]?.digests, []);
  assert.ok(await engine.remove(image.config));
  assert.deepEqual(await engine.images(), []);
});

for (const holder of ['a pin', 'a user’s container', 'a container of another program'] as const) {
  test(`remove leaves what ${holder} holds as it is`, { skip }, async (t) => {
    const { registry, podman, engine, push, fetched } = await openHarbour(t);
    const image = await fetched('app:1', 1);
    // A second name by digest, which could not be given back.
    push('copy:1', 1);
    await engine.fetch({ ...image, name: `${registry.host}/copy:1` }, fromRegistry());
    await engine.tag(image.config, `${registry.host}/app:1`);
    if (holder === 'a pin') await engine.pin('os-1', [pinRequest(image)]);
    else await podman.podman('create', '--name', 'mine', image.config, '/true');
    if (holder === 'a container of another program') {
      await podman.restart(() => rmSync(join(podman.directory, 'root/libpod/bolt_state.db')));
    }
    const before = await engine.images();
    assert.equal(await engine.remove(image.config), false);
    assert.deepEqual(await engine.images(), before);
  });
}

test('remove takes the base of a local build, which goes on without it', { skip }, async (t) => {
  const { podman, engine, fetched } = await openHarbour(t);
  const image = await fetched('app:1', 1);
  const file = join(podman.directory, 'Containerfile');
  writeFileSync(file, `FROM ${image.config}\nCOPY Containerfile /\n`);
  await podman.podman(
    'build',
    '--quiet',
    '--tag',
    'localhost/child:1',
    '--file',
    file,
    podman.directory,
  );
  const removed = await engine.remove(image.config);
  const left = await engine.images();
  assert.equal(removed, !left.some(({ id }) => id === image.config));
  assert.ok(left.some(({ names }) => names.includes('localhost/child:1')));
});
