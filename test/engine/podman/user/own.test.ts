import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { openUserPodman } from '../../../../src/engine/podman/podman.ts';
import { temporaryDirectory } from '../../../support/temporary.ts';
import { answer, startFakePodman } from '../fake-podman.ts';

test('the caller’s own podman is opened as ever, under the caller’s name', async (t) => {
  const { socket } = await startFakePodman(t, (_, response) => answer(response, 200, []));
  const uid = process.geteuid?.() ?? 0;
  const engine = await openUserPodman({
    account: { name: 'me', uid, gid: 0, home: '/nowhere' },
    pinKey: join(temporaryDirectory(t), 'pins.key'),
    environment: { CONTAINER_HOST: `unix://${socket}` },
  });
  t.after(() => engine.close());
  assert.equal(engine.id, 'podman:me');
  assert.equal(engine.traits.pullsAs, 'caller');
  assert.deepEqual(await engine.images(), []);
});

test('a podman that is asked for by the UID of its user keeps that id', async (t) => {
  const { socket } = await startFakePodman(t, (_, response) => answer(response, 200, []));
  const uid = process.geteuid?.() ?? 0;
  const engine = await openUserPodman({
    id: `podman:${uid}`,
    account: { name: 'me', uid, gid: 0, home: '/nowhere' },
    pinKey: join(temporaryDirectory(t), 'pins.key'),
    environment: { CONTAINER_HOST: `unix://${socket}` },
  });
  t.after(() => engine.close());
  assert.equal(engine.id, `podman:${uid}`);
});
