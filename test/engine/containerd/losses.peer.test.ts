import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { openContainerd } from '../../../src/engine/containerd/containerd.ts';
import { byDigest } from '../../../src/image/name.ts';
import { containerdSuites, skipContainerd, startContainerd } from '../../support/containerd.ts';
import { startRegistry } from '../../support/registry.ts';
import { client } from '../../support/registry-client.ts';
import { fetchFrom, requestFor } from '../contract/calls.ts';
import { pushSmall } from '../contract/images.ts';

for (const suite of containerdSuites) {
  test(`containerd of ${suite} tells of what others remove`, {
    skip: skipContainerd,
  }, async (t) => {
    const registry = await startRegistry();
    t.after(() => registry.close());
    const containerd = await startContainerd(t, suite, { insecure: [registry.host] });
    const { socket, directory, ctr } = containerd;
    const engine = await openContainerd({
      socket,
      pinKey: join(directory, 'pins.key'),
      registry: client(t, [registry]),
      patience: 1000,
    });
    t.after(() => engine.close());
    const tested = { machine: { registry } };
    const image = pushSmall(tested, 'app:1', 1);
    const other = pushSmall(tested, 'other:1', 2);
    for (const each of [image, other]) await engine.tag(await fetchFrom(engine, each), each.name);
    await engine.tag(engine.idOf(other), `${other.name}-kept`);
    await engine.pin('root', [requestFor(engine, image)]);
    const stop = new AbortController();
    const wakes = engine.losses?.(stop.signal)[Symbol.asyncIterator]();
    assert.ok(wakes);
    assert.equal((await wakes.next()).value, 'listening');
    const [pin] = await engine.pins();
    const namespace = ['--namespace', 'k8s.io'];
    for (const words of [
      ['images', 'rm', other.name],
      ['images', 'tag', '--force', `${other.name}-kept`, image.name],
      ['images', 'label', byDigest(image.name, image.digest), 'io.cri-containerd.pinned='],
      ['content', 'rm', image.manifest],
      ['leases', 'rm', pin?.handle ?? ''],
    ]) {
      const told = wakes.next();
      await ctr(...namespace, ...words);
      assert.equal((await told).value, 'lost', words.join(' '));
    }
    const ends = assert.rejects(wakes.next(), { code: 'engine-unreachable' });
    await containerd.stop();
    await ends;
    stop.abort();
  });
}
