import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, get } from 'node:http';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { holdSocket } from '../../../../src/engine/podman/user/socket.ts';
import { temporaryDirectory } from '../../../support/temporary.ts';

const uid = process.geteuid?.() ?? 0;

async function listenAt(t: TestContext, path: string, says: string): Promise<void> {
  const server = createServer((_, response) => response.end(says)).listen(path);
  await once(server, 'listening');
  t.after(() => server.close());
}

async function askAt(path: string): Promise<string> {
  const [response] = await once(get({ socketPath: path, agent: false }), 'response');
  return Buffer.concat(await response.toArray()).toString();
}

test('a held socket stays the one that was looked at', async (t) => {
  const directory = temporaryDirectory(t);
  const path = join(directory, 'podman.sock');
  await listenAt(t, path, 'the first');
  const held = holdSocket(path, uid);
  assert.ok(held !== undefined);
  t.after(() => held.close());
  renameSync(path, `${path}.moved`);
  await listenAt(t, path, 'another');
  assert.equal(await askAt(held.path), 'the first');
  assert.equal(await askAt(path), 'another');
});

test('only a socket of the user is held', async (t) => {
  const directory = temporaryDirectory(t);
  const socket = join(directory, 'podman.sock');
  const link = join(directory, 'link');
  const file = join(directory, 'file');
  await listenAt(t, socket, 'hello');
  symlinkSync(socket, link);
  writeFileSync(file, '');
  mkdirSync(join(directory, 'directory'));
  const before = readdirSync('/proc/self/fd').length;
  assert.equal(holdSocket(socket, uid + 1), undefined, 'of another user');
  for (const path of [link, file, join(directory, 'directory'), join(directory, 'absent')]) {
    assert.equal(holdSocket(path, uid), undefined, path);
  }
  assert.equal(readdirSync('/proc/self/fd').length, before, 'no descriptor is left open');
  rmSync(link);
});
