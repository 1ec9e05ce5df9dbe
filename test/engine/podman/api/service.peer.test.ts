import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openPodman } from '../../../../src/engine/podman/podman.ts';
import { buildImage } from '../../../support/image-builder.ts';
import { skipPodman } from '../../../support/podman.ts';
import { startRegistry } from '../../../support/registry.ts';
import { fromRegistry } from '../../../support/source.ts';
import { pinRequest, resolvedOf } from '../fixture.ts';
import { ownStore } from '../own-store.ts';

const skip = skipPodman;
/** The files that berth has made there; crun leaves files of its own. */
const ours = (runtime: string) => readdirSync(runtime).filter((name) => name.startsWith('berth-'));
const worker = join(import.meta.dirname, '../worker.ts');

test('where none listens a service is started, and ended with the engine', { skip }, async (t) => {
  const registry = await startRegistry();
  t.after(() => registry.close());
  const { directory, runtime, environment, services } = ownStore(t, [registry.host]);
  const engine = await openPodman({ user: true, pinKey: join(runtime, 'pins.key'), environment });
  t.after(() => engine.close());
  const info = await engine.info();
  assert.equal(info.directory, join(directory, 'root'));
  assert.match(info.version, /^\d+\.\d+/);
  assert.match(info.description, /started by berth/);
  const built = buildImage({ layers: [{ files: { a: 'b' } }] });
  registry.push('app:1', built);
  const [image] = resolvedOf(`${registry.host}/app:1`, built);
  assert.ok(image !== undefined);
  await engine.fetch(image, fromRegistry());
  await engine.pin('os', [pinRequest(image)]);
  assert.equal((await engine.pins()).length, 1);
  assert.equal(ours(runtime).length, 1);
  const [service = '', ...others] = services();
  assert.deepEqual(others, []);
  assert.match(service, / --time=60 /, 'it ends by itself when berth is killed');
  await engine.close();
  assert.deepEqual(services(), []);
  assert.deepEqual(ours(runtime), []);
});

test('a service that ended is started anew by the next request', { skip }, async (t) => {
  const { runtime, environment, services, kill } = ownStore(t);
  const engine = await openPodman({ user: true, pinKey: join(runtime, 'pins.key'), environment });
  t.after(() => engine.close());
  for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
    await kill(signal);
    assert.deepEqual(services(), []);
    const [images, pins] = await Promise.all([engine.images(), engine.pins(), engine.info()]);
    assert.deepEqual([images, pins], [[], []]);
    assert.equal(services().length, 1, 'all of them share one service');
    assert.equal(ours(runtime).length, 1);
  }
  await kill('SIGKILL');
  await engine.close();
  assert.deepEqual([services(), ours(runtime)], [[], []], 'to close starts nothing');
});

test('a socket behind which nothing answers counts as none', { skip }, async (t) => {
  const { runtime, environment } = ownStore(t);
  mkdirSync(join(runtime, 'podman'));
  const deaf = createServer((connection) => connection.destroy());
  deaf.listen(join(runtime, 'podman/podman.sock'));
  await once(deaf, 'listening');
  t.after(() => deaf.close());
  const engine = await openPodman({ user: true, pinKey: join(runtime, 'pins.key'), environment });
  t.after(() => engine.close());
  assert.deepEqual(await engine.images(), []);
});

for (const [what, signal] of [
  ['forgets it', null],
  ['is killed', 'SIGKILL'],
  ['is interrupted', 'SIGINT'],
] as const) {
  test(`the service ends with a process that ${what}`, { skip }, async (t) => {
    const { runtime, environment, services } = ownStore(t);
    const child = spawn(process.execPath, [worker, 'exit'], { env: environment, stdio: 'pipe' });
    child.stderr.pipe(process.stderr);
    const ended = once(child, 'close');
    const [line] = await Promise.race([once(child.stdout.setEncoding('utf8'), 'data'), ended]);
    assert.equal(line, 'open\n');
    const [service] = services();
    assert.ok(service !== undefined);
    if (signal === null) child.stdin.end('\n');
    else child.kill(signal);
    assert.deepEqual(await ended, signal === null ? [0, null] : [null, signal]);
    // berth told the service to end. By itself it would do so a minute after the last request.
    const byItself = Date.now() + 55_000;
    while (services().length + ours(runtime).length > 0) {
      assert.ok(Date.now() < byItself, 'nobody told the service to end');
      await delay(10);
    }
  });
}

test('a service that can’t start is said with podman’s own words', { skip }, async (t) => {
  const { directory, runtime, environment } = ownStore(t);
  const pinKey = join(directory, 'pins.key');
  const opened = openPodman({
    user: true,
    pinKey,
    environment: { ...environment, CONTAINERS_STORAGE_CONF: join(directory, 'absent.conf') },
  });
  await assert.rejects(opened, /could not be started: it ended with [1-9]\d*: .*absent\.conf/s);
  assert.deepEqual(ours(runtime), []);
  const absent = openPodman({
    user: true,
    pinKey,
    environment: { ...environment, PATH: directory },
  });
  await assert.rejects(absent, /could not be started: there is no podman on PATH$/);
  assert.deepEqual(ours(runtime), []);
});

const rootless = process.geteuid?.() === 0 ? false : 'mounting needs root';
test('the service works where /etc is read-only', { skip: skip || rootless }, async (t) => {
  const registry = await startRegistry();
  t.after(() => registry.close());
  const { environment } = ownStore(t, [registry.host]);
  const built = buildImage({ layers: [{ files: { a: 'b' } }] });
  registry.push('app:1', built);
  const [image] = resolvedOf(`${registry.host}/app:1`, built);
  // An empty /run hides the podman of this machine.
  const mounts =
    'mount -t tmpfs tmpfs /run && mount --bind /etc /etc && mount -o remount,bind,ro /etc';
  const unshare = [
    '--mount',
    '--propagation',
    'private',
    'sh',
    '-c',
    `${mounts} && exec "$@"`,
    'sh',
  ];
  const inside = async (...words: string[]) => {
    const child = spawn('unshare', [...unshare, ...words], { env: environment, stdio: 'pipe' });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.stdin.end();
    const [code]: unknown[] = await once(child, 'close');
    return { code, output };
  };
  const plain = await inside('touch', '/etc/writable');
  assert.notEqual(plain.code, 0, 'the test makes /etc read-only');
  const { code, output } = await inside(process.execPath, worker, 'pin', JSON.stringify(image));
  assert.equal(code, 0, output);
  assert.match(output, /^1 pinned$/m);
});
