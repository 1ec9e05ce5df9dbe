import assert from 'node:assert/strict';
import test from 'node:test';
import { criOn } from '../../../src/engine/crio/cri.ts';
import { openGrpc } from '../../../src/engine/grpc/transport.ts';
import { byDigest } from '../../../src/image/name.ts';
import { containerdSuites, skipContainerd, startContainerd } from '../../support/containerd.ts';
import { password, serve } from '../../support/registry-client.ts';
import { ownPlatform, pushSmall } from '../contract/images.ts';

/**
 * CRI-O is in no release of Debian. containerd serves the same protocol, so here berth's client of CRI-O speaks to a
 * server that berth's authors have not written.
 */
for (const suite of containerdSuites) {
  test(`the client of CRI-O understands the CRI of containerd of ${suite}`, {
    skip: skipContainerd,
  }, async (t) => {
    const robot = { username: 'robot', password: 'hunter2-secret' };
    const registry = await serve(t, { auth: { basic: robot } });
    const { socket } = await startContainerd(t, suite, { insecure: [registry.host] });
    const grpc = openGrpc({ name: 'crio', socket });
    t.after(() => grpc.close());
    const cri = criOn(grpc);
    const image = pushSmall({ machine: { registry } }, 'app:1', 1, [ownPlatform, 'linux/s390x']);
    const name = byDigest(image.name, image.digest);
    const given = password(robot.username, robot.password);

    await t.test('a program that is not CRI-O is refused by its name', () =>
      assert.rejects(cri.version(), {
        code: 'engine-reply',
        message: 'expected CRI-O to answer on its socket, found "containerd"',
      }),
    );

    await t.test('a pull needs the credentials', async () => {
      await assert.rejects(cri.pull(name, undefined, undefined), { code: 'engine-failed' });
      assert.equal(await cri.image(name), undefined);
      await cri.pull(name, given, undefined);
    });

    await t.test('the image is listed, and found by its digest, its id and a name', async () => {
      const [hex = ''] = image.config.split(':').slice(1);
      const found = await cri.image(name);
      assert.deepEqual(found, { ...found, id: hex, names: [], digests: [name], pinned: false });
      assert.ok((found?.size ?? 0) > 0);
      assert.deepEqual(await cri.images(), [found]);
      assert.deepEqual(await cri.image(hex), found);
      await cri.pull(image.name, given, undefined);
      const named = await cri.image(image.name);
      assert.equal(named?.id, hex);
      assert.deepEqual(named?.names, [image.name]);
    });

    await t.test('the directory of the images is told', async () => {
      assert.equal((await cri.places()).length, 1);
    });

    await t.test('a pull that is not wanted any more ends', async () => {
      const other = pushSmall({ machine: { registry } }, 'other:1', 2);
      const ended = new AbortController();
      const stalled = Promise.withResolvers<void>();
      registry.fault = ({ path }) => {
        if (!path.includes('/blobs/')) return undefined;
        ended.abort(new Error('not wanted'));
        return { kind: 'stall', after: 1, onLeft: stalled.resolve };
      };
      const pull = cri.pull(byDigest(other.name, other.digest), given, ended.signal);
      await assert.rejects(pull, /not wanted/);
      await stalled.promise;
      registry.fault = undefined;
    });

    await t.test('the image goes', async () => {
      const [hex = ''] = image.config.split(':').slice(1);
      await cri.remove(hex);
      assert.equal(await cri.image(hex), undefined);
      await cri.remove(hex);
      assert.deepEqual(await cri.images(), []);
    });
  });
}
