import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { openHostRegistry } from '../../src/registry/host.ts';
import { buildImage } from '../support/image-builder.ts';
import { fails, serve, sink } from '../support/registry-client.ts';
import { temporaryDirectory } from '../support/temporary.ts';

/** Sets variables until the test ends; undefined removes one. */
function setEnvironment(
  t: TestContext,
  variables: Readonly<Record<string, string | undefined>>,
): void {
  for (const [name, value] of Object.entries(variables)) {
    const before = process.env[name];
    const set = (text: string | undefined) => {
      if (text === undefined) delete process.env[name];
      else process.env[name] = text;
    };
    set(value);
    t.after(() => set(before));
  }
}

test('the running system’s files say how registries are reached', async (t) => {
  const login = { username: 'robot', password: 'hunter2-secret' };
  const server = await serve(t, { auth: { basic: login } });
  server.push('acme/app:1', buildImage({ layers: [{ files: { a: 'b' } }] }));
  const home = temporaryDirectory(t);
  const containers = join(home, '.config/containers');
  mkdirSync(containers, { recursive: true });
  setEnvironment(t, {
    HOME: home,
    XDG_CONFIG_HOME: undefined,
    XDG_RUNTIME_DIR: join(home, 'run'),
    REGISTRY_AUTH_FILE: undefined,
    DOCKER_CONFIG: undefined,
    CONTAINERS_REGISTRIES_CONF: join(home, 'r.conf'),
  });
  await fails(
    openHostRegistry(process.env, () => undefined),
    'registry-config',
  );
  const rule = `prefix = "registry.example.com"\nlocation = "${server.host}"\ninsecure = true\n`;
  writeFileSync(join(home, 'r.conf'), `[[registry]]\n${rule}`);
  const auth = Buffer.from(`${login.username}:${login.password}`).toString('base64');
  writeFileSync(
    join(containers, 'auth.json'),
    JSON.stringify({ auths: { [server.host]: { auth } } }),
  );
  writeFileSync(join(containers, 'policy.json'), '{"default":[{"type":"reject"}]}');
  const registry = await openHostRegistry(process.env, () => undefined);
  t.after(() => registry.close());
  const name = 'registry.example.com/acme/app:1';
  const { blobs } = await registry.resolve(name, { os: 'linux', architecture: 'amd64' }, {});
  assert.ok(blobs[0]);
  await fails(registry.download(name, blobs[0], {}, sink()), 'policy-rejected');
});
