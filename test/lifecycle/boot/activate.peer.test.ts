import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { openPodman } from '../../../src/engine/podman/podman.ts';
import { buildImage } from '../../support/image-builder.ts';
import { skipPodman, startPodman, type TestPodman } from '../../support/podman.ts';
import { startUpdater } from '../../support/updater.ts';

const image = (seed: number) => buildImage({ layers: [{ bytes: 20_000, seed }] });
const newer = 'Pull=newer\n';

async function startHost(t: TestContext) {
  let podman: TestPodman | undefined;
  const host = await startUpdater(t, async (server) => {
    podman = await startPodman(t, { insecure: [server.host] });
    const engine = await openPodman({
      user: false,
      pinKey: podman.pinKey,
      environment: podman.environment,
    });
    t.after(() => engine.close());
    return engine;
  });
  assert.ok(podman !== undefined);
  return { host, podman };
}

test('podman’s own commands between two boots', { skip: skipPodman }, async (t) => {
  const { host, podman } = await startHost(t);
  const name = host.fullName('web:latest');
  host.server.push('web:latest', image(1));
  host.deploy('a', { 'web:latest': newer }, 'booted');
  await host.reconcile();
  await host.activate('a');
  host.server.push('web:latest', image(2));
  host.deploy('b', { 'web:latest': newer }, 'staged');
  await host.reconcile();
  const old = host.recorded('a', 'web:latest');
  const next = host.recorded('b', 'web:latest');
  assert.notEqual(old, next);

  await t.test('a deleted database: the pins are back, of both roots', async () => {
    await podman.restart(() => rmSync(join(podman.directory, 'root/libpod/bolt_state.db')));
    assert.equal((await host.engine.pins()).length, 0);
    const { pins, findings } = await host.activate('a');
    assert.deepEqual([pins, findings], [2, []]);
    await podman.podman('system', 'prune', '-a', '-f', '--volumes');
    assert.deepEqual((await host.activate('a')).findings, []);
  });

  await t.test('another root is booted, with the registry away', async () => {
    await host.server.close();
    const { moved, findings } = await host.activate('b');
    assert.deepEqual([moved, findings], [[name], []]);
    assert.equal(
      `sha256:${await podman.podman('image', 'inspect', '--format', '{{.Id}}', name)}`,
      next,
    );
  });

  await t.test('a tag that a person moves is drift, and prune takes nothing of it', async () => {
    await podman.podman('tag', old?.replace('sha256:', '') ?? '', name);
    const { drifted, findings } = await host.activate('b');
    assert.deepEqual([drifted.map(({ id }) => id), findings], [[old], []]);
    await podman.podman('system', 'prune', '-a', '-f', '--volumes');
    assert.equal(await host.meaning('web:latest'), old);
    assert.deepEqual((await host.activate('a')).drifted, []);
    assert.equal(host.record('b')?.drift, undefined);
  });

  await t.test('a tag that a person takes away comes back', async () => {
    await podman.podman('untag', name, name);
    const { moved, findings } = await host.activate('a');
    assert.deepEqual([moved, findings], [[name], []]);
  });
});
