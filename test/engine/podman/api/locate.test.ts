import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test from 'node:test';
import { locatePodman, podmanPresent } from '../../../../src/engine/podman/api/locate.ts';
import { temporaryDirectory } from '../../../support/temporary.ts';

test('CONTAINER_HOST says where podman is, else the usual place', () => {
  const at = (CONTAINER_HOST: string) => locatePodman(false, { CONTAINER_HOST });
  assert.deepEqual(at('unix:///run/my.sock'), { socket: '/run/my.sock', demanded: true });
  assert.deepEqual(at('unix:/run/my.sock'), { socket: '/run/my.sock', demanded: true });
  assert.deepEqual(at(''), { socket: '/run/podman/podman.sock', demanded: false });
  const user = locatePodman(true, { XDG_RUNTIME_DIR: '/run/user/7' });
  assert.deepEqual(user, { socket: '/run/user/7/podman/podman.sock', demanded: false });
});

test('a podman elsewhere is refused, its password not told', () => {
  const CONTAINER_HOST = 'ssh://root:geheim@host:22/run/podman/podman.sock';
  assert.throws(
    () => locatePodman(false, { CONTAINER_HOST }),
    (error: Error) => error.message.includes('ssh://host:22') && !error.message.includes('geheim'),
  );
});

test('podman is present where its program or its socket is', async (t) => {
  const directory = temporaryDirectory(t);
  const environment = { PATH: join(directory, 'bin'), XDG_RUNTIME_DIR: directory };
  const present = (more: object = {}) => podmanPresent(true, { ...environment, ...more });
  assert.ok(!present());
  assert.ok(present({ CONTAINER_HOST: 'unix:///nowhere' }));
  mkdirSync(join(directory, 'bin'));
  writeFileSync(join(directory, 'bin/podman'), '');
  assert.ok(!present(), 'not a program');
  chmodSync(join(directory, 'bin/podman'), 0o755);
  assert.ok(present());
  assert.ok(!present({ PATH: '' }));
  mkdirSync(join(directory, 'podman'));
  const server = createServer().listen(join(directory, 'podman/podman.sock'));
  await once(server, 'listening');
  t.after(() => server.close());
  assert.ok(present({ PATH: '' }));
});
