import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { openContainerd } from '../../../src/engine/containerd/containerd.ts';
import { containerdSuites, skipContainerd, startContainerd } from '../../support/containerd.ts';
import { client, serve } from '../../support/registry-client.ts';
import { fetchFrom, namesOf, requestFor } from '../contract/calls.ts';
import { pushSmall } from '../contract/images.ts';

for (const suite of containerdSuites) {
  test(`what others pin or use in containerd of ${suite} is theirs`, {
    skip: skipContainerd,
  }, async (t) => {
    const registry = await serve(t);
    const containerd = await startContainerd(t, suite, { insecure: [registry.host] });
    const engine = await openContainerd({
      socket: containerd.socket,
      pinKey: join(containerd.directory, 'pins.key'),
      registry: client(t, [registry]),
    });
    t.after(() => engine.close());
    const tested = { machine: { registry } };
    const ctr = (...words: string[]) => containerd.ctr('--namespace', 'k8s.io', ...words);
    const labelsOf = async (name: string) => {
      const lines = (await ctr('images', 'ls')).split('\n');
      return lines.find((line) => line.startsWith(`${name} `)) ?? '';
    };

    await t.test('a label of the administrator stays when berth lets go', async () => {
      const image = pushSmall(tested, 'kept:1', 1);
      const id = await fetchFrom(engine, image);
      await engine.tag(id, image.name);
      await ctr('images', 'label', image.name, 'io.cri-containerd.pinned=pinned');
      await engine.pin('root', [requestFor(engine, image)]);
      assert.match(await labelsOf(id), /berth\.pinned=true/);
      await engine.unpin(await engine.pins());
      assert.match(await labelsOf(image.name), /io\.cri-containerd\.pinned=pinned/);
      assert.doesNotMatch(await labelsOf(id), /pinned/);
      assert.equal(await engine.remove(id), false, 'somebody else pins it');
      assert.deepEqual(await namesOf(engine, id), [image.name]);
      await ctr('images', 'label', image.name, 'io.cri-containerd.pinned=');
      assert.equal(await engine.remove(id), true);
    });

    await t.test('an image from which a container was made stays', async () => {
      const image = pushSmall(tested, 'used:1', 2);
      const id = await fetchFrom(engine, image);
      await engine.tag(id, image.name);
      await ctr('containers', 'create', image.name, 'user', '/nothing');
      await engine.tag(id, `${image.name}-more`);
      await ctr('images', 'rm', image.name);
      assert.equal(await engine.remove(id), false, 'by its layers');
      await ctr('containers', 'rm', 'user');
      assert.equal(await engine.remove(id), true);
    });

    await t.test('a lease with labels of berth that is no pin is left alone', async () => {
      await ctr('leases', 'create', '--id', 'strange', 'berth.schema=1', 'berth.root=root');
      assert.deepEqual(await engine.pins(), []);
      await engine.unpin([]);
      assert.match(await ctr('leases', 'ls'), /strange/);
    });
  });
}
