import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { openContainerd } from '../../../src/engine/containerd/containerd.ts';
import { containerdSuites, skipContainerd, startContainerd } from '../../support/containerd.ts';
import { client, password, serve } from '../../support/registry-client.ts';
import { fetchFrom } from '../contract/calls.ts';
import { pushSmall } from '../contract/images.ts';

const robot = { username: 'robot', password: 'hunter2-secret' };

for (const suite of containerdSuites) {
  test(`the CRI of ${suite} pulls from mirrors, which get no credentials of the registry`, {
    skip: skipContainerd,
  }, async (t) => {
    const registry = await serve(t, { auth: { basic: robot } });
    const mirror = await serve(t);
    const greedy = await serve(t, { auth: { basic: robot } });
    const containerd = await startContainerd(t, suite, { insecure: [registry.host] });
    const engine = await openContainerd({
      socket: containerd.socket,
      pinKey: join(containerd.directory, 'pins.key'),
      registry: client(t, [registry], {
        credentials: async () => password(robot.username, robot.password),
      }),
    });
    t.after(() => engine.close());
    const mirrorBy = (...hosts: readonly string[]) => {
      const tables = hosts.map(
        (host) => `[host."http://${host}"]\ncapabilities = ["pull", "resolve"]\n`,
      );
      const path = join(containerd.directory, 'certs.d', registry.host, 'hosts.toml');
      writeFileSync(path, `server = "http://${registry.host}"\n${tables.join('')}`);
    };

    await t.test('what a mirror has comes from the mirror', async () => {
      mirrorBy(mirror.host);
      const image = pushSmall({ machine: { registry: mirror } }, 'app:1', 1);
      const named = { ...image, name: `${registry.host}/app:1` };
      const id = await fetchFrom(engine, named);
      assert.equal(await engine.has(id), true);
      assert.deepEqual(registry.requests, []);
      assert.ok(mirror.requests.length > 0);
    });

    await t.test('a mirror that asks for credentials is passed over', async () => {
      mirrorBy(greedy.host, mirror.host);
      const image = pushSmall({ machine: { registry } }, 'app:2', 2);
      const id = await fetchFrom(engine, image);
      assert.equal(await engine.has(id), true);
      assert.ok(greedy.requests.length > 0);
    });

    for (const { path, authorization } of [...mirror.requests, ...greedy.requests]) {
      assert.equal(authorization, undefined, path);
    }
  });
}
