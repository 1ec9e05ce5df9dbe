import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { openRoot } from '../../src/root/open-root.ts';
import { RootError } from '../../src/root/root.ts';
import { openDescriptors, rootError, rootOf, textOf } from './fixture.ts';

test('a file is read whole, empty or not, up to the bound and no further', (t) => {
  const mebibyte = 'x'.repeat(1024 * 1024);
  const { root } = rootOf(t, { empty: '', small: 'abc', full: mebibyte, more: `${mebibyte}x` });
  assert.equal(textOf(root, '/empty'), '');
  assert.equal(textOf(root, '/small'), 'abc');
  assert.equal(textOf(root, '/full'), mebibyte);
  assert.throws(() => root.readFile('/more'), rootError('too-large', '/more'));
  assert.equal(root.readFile('/more', 2 * 1024 * 1024)?.content.length, 1024 * 1024 + 1);
  assert.equal(root.readFile('/small', 3)?.content.length, 3);
  assert.throws(() => root.readFile('/small', 2), rootError('too-large', '/small'));
  assert.equal(root.readFile('/empty', 0)?.content.length, 0);
});

test('a buffer that was read does not change with later reads', (t) => {
  const { root } = rootOf(t, { a: 'first', b: 'other' });
  const first = root.readFile('/a');
  root.readFile('/b');
  assert.equal(first?.content.toString(), 'first');
});

test('a sparse file of 10 GB is an error at once', (t) => {
  const { root, directory } = rootOf(t, { 'huge.container': '' });
  truncateSync(join(directory, 'huge.container'), 10 * 1024 ** 3);
  assert.throws(() => root.readFile('/huge.container'), rootError('too-large', '/huge.container'));
});

test('the limit holds for a file that does not tell its size', (t) => {
  const root = openRoot('/proc/self');
  t.after(() => root.close());
  const status = root.readFile('/status')?.content ?? Buffer.alloc(0);
  assert.match(status.toString(), /^Name:.*\n(?:.*\n)+$/);
  // Larger than the first read, and given in pieces.
  const maps = root.readFile('/smaps')?.content.toString() ?? '';
  assert.ok(maps.length > 10_000);
  assert.match(maps, /\[stack\]/);
  assert.throws(() => root.readFile('/smaps', 5_000), rootError('too-large'));
  assert.throws(() => root.readFile('/smaps', 10), rootError('too-large'));
});

test('the limit holds for a file that grows while it is read', async (t) => {
  const { root, directory } = rootOf(t, { log: '' });
  const bound = 256 * 1024;
  const append = `
    const fs = require('node:fs');
    const fd = fs.openSync(process.argv[1], 'a');
    for (let at = 0; at < 4096; at++) fs.writeSync(fd, String(at % 10).repeat(128));`;
  const child = spawn(process.execPath, ['-e', append, join(directory, 'log')]);
  const exited = once(child, 'exit');
  t.after(() => child.kill());
  let largest = 0;
  for (;;) {
    try {
      const content = root.readFile('/log', bound)?.content ?? Buffer.alloc(0);
      assert.ok(content.length <= bound);
      assert.ok(content.length >= largest, 'a file that only grows never gets shorter');
      largest = content.length;
    } catch (error) {
      assert.ok(error instanceof RootError && error.code === 'too-large', String(error));
      break;
    }
    await setImmediate();
  }
  assert.deepEqual(await exited, [0, null]);
});

test('FIFOs, sockets and directories are errors and never block', async (t) => {
  const { root, directory } = rootOf(t, { 'd/x': '' });
  execFileSync('mkfifo', [join(directory, 'fifo.container')]);
  const server = createServer().listen(join(directory, 'socket.container'));
  t.after(() => server.close());
  await once(server, 'listening');
  const before = openDescriptors();
  for (const listed of [false, true]) {
    if (listed) root.list('/');
    for (const path of ['/fifo.container', '/socket.container', '/d', '/']) {
      assert.throws(() => root.readFile(path), rootError('not-a-file', path));
    }
  }
  assert.equal(root.lookup('/fifo.container')?.kind, 'other');
  assert.equal(openDescriptors(), before + 1, 'one for /d');
});

test('a FIFO that replaces a listed file does not block', (t) => {
  const { root, directory } = rootOf(t, { 'a.container': 'x' });
  root.list('/');
  const path = join(directory, 'a.container');
  execFileSync('sh', ['-c', 'rm "$1" && mkfifo "$1"', 'sh', path]);
  assert.throws(() => root.readFile('/a.container'), rootError('not-a-file'));
});

test('devices are errors', (t) => {
  const { root, directory } = rootOf(t, {});
  // The device /dev/full: what opens it by mistake can't do harm.
  if (spawnSync('mknod', [join(directory, 'dev.container'), 'c', '1', '7']).status !== 0) {
    t.skip('needs the right to make devices');
    return;
  }
  assert.throws(
    () => root.readFile('/dev.container'),
    (error) => {
      assert.match(String(error), /found a character device/);
      return rootError('not-a-file', '/dev.container')(error);
    },
  );
  assert.deepEqual(root.list('/'), [{ name: 'dev.container', kind: 'other' }]);
});

test('a link that replaces a listed file is resolved inside the root', (t) => {
  const { root, directory } = rootOf(t, { 'a.container': 'x', 'etc/passwd': 'its own' });
  root.list('/');
  execFileSync('ln', ['-sf', '/etc/passwd', join(directory, 'a.container')]);
  assert.equal(textOf(root, '/a.container'), 'its own');
  assert.equal(root.readFile('/a.container')?.realPath, '/etc/passwd');
  execFileSync('rm', [join(directory, 'a.container')]);
  root.list('/');
  writeFileSync(join(directory, 'a.container'), 'again');
  assert.equal(textOf(root, '/a.container'), 'again');
});
