import assert from 'node:assert/strict';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { openDocker } from '../../../src/engine/docker/docker.ts';
import type { Engine } from '../../../src/engine/engine.ts';
import type { ResolvedImage } from '../../../src/image/resolved.ts';
import { type ImageStore, skipDocker } from '../../support/docker.ts';
import { fromRegistry } from '../../support/source.ts';
import { requestFor } from '../contract/calls.ts';
import { pushSmall } from '../contract/images.ts';
import { startDockerMachine } from './staged.ts';

for (const store of ['overlay2', 'containerd'] as const) {
  test(
    `docker with ${store} tells when an image, a name or a pin may be lost`,
    {
      skip: skipDocker,
    },
    (t) => tellsLosses(t, store),
  );
}

async function tellsLosses(t: TestContext, store: ImageStore): Promise<void> {
  const { machine, docker } = await startDockerMachine(t, store);
  const engine = await openDocker({
    id: 'docker',
    socket: docker.socket,
    pinKey: join(machine.directory, 'pins.key'),
    credentials: async () => undefined,
  });
  t.after(() => engine.close());
  const image = pushSmall({ machine }, 'app:1', 1);
  const other = pushSmall({ machine }, 'other:1', 2);
  await bring(engine, image);
  await bring(engine, other);
  const wakes = engine.losses?.(AbortSignal.timeout(300_000));
  assert.ok(wakes);
  const seen = wakes[Symbol.asyncIterator]();
  assert.deepEqual((await seen.next()).value, 'listening');
  const pin = async () => (await engine.pins())[0]?.handle ?? '';
  const losses = [
    async () => docker.docker('tag', image.name, `${image.name}-too`),
    async () => docker.docker('rmi', `${image.name}-too`),
    async () => docker.docker('tag', other.name, image.name),
    async () => docker.docker('rm', await pin()),
    async () => docker.docker('rmi', '-f', other.name),
    // It takes names alone, and docker has no event for that.
    ...(store === 'containerd' ? [() => docker.docker('image', 'prune', '--all', '--force')] : []),
  ];
  for (const lose of losses) {
    await lose();
    assert.deepEqual((await seen.next()).value, 'lost', String(lose));
  }
  await docker.kill();
  // A lost connection ends the events, one way or the other: whoever follows them opens them anew.
  await assert.rejects(async () => {
    while ((await seen.next()).done !== true);
    throw new Error('they ended');
  });
}

async function bring(engine: Engine, image: ResolvedImage): Promise<void> {
  const id = await engine.fetch(image, fromRegistry());
  await engine.tag(id, image.name);
  await engine.pin('root', [requestFor(engine, image)]);
}
