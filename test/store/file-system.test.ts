import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { BerthError } from '../../src/common/errors.ts';
import { openStore } from '../../src/store/store.ts';
import { validBlobs, validNames } from '../support/layout-check.ts';
import { layer, MemoryRegistry } from '../support/memory-registry.ts';
import { request } from '../support/pin-request.ts';
import { skipMounts, smallFileSystem } from '../support/small-file-system.ts';
import { fromRegistry } from '../support/source.ts';
import { temporaryDirectory } from '../support/temporary.ts';

test('a full disk is said so, leaves nothing half-written, and what is there whole', {
  skip: skipMounts,
}, async (t) => {
  const { directory: mountpoint, remount } = smallFileSystem(t, 'size=1m');
  const directory = join(mountpoint, 'store');
  const registry = new MemoryRegistry();
  const [small] = registry.add('h.example/small:1', [layer('small', 100_000)]);
  const [large] = registry.add('h.example/large:1', [
    layer('some', 100_000),
    layer('large', 2_000_000),
  ]);
  assert.ok(small && large);
  const store = openStore({ directory, registry });
  await store.fetch(small, fromRegistry());
  await store.pin('r', [request(small)]);
  await assert.rejects(
    store.fetch(large, fromRegistry()),
    (error) =>
      error instanceof BerthError &&
      error.code === 'no-space' &&
      error.kind === 'refused' &&
      error.message.includes(join(directory, 'blobs')) &&
      error.hint !== '',
  );
  assert.deepEqual(readdirSync(join(directory, 'tmp')), []);
  assert.deepEqual([...validNames(directory).values()], [small.manifest]);
  const kept = validBlobs(directory);
  assert.equal(await store.remove(large.manifest), true);
  assert.ok([...validBlobs(directory)].every((digest) => kept.has(digest)));
  remount('size=8m');
  await store.fetch(large, fromRegistry());
  assert.equal((await store.images()).length, 2);
});

test('a store that can not be written is an error that names it', {
  skip: skipMounts,
}, async (t) => {
  const { directory: mountpoint, remount } = smallFileSystem(t, 'size=1m');
  const registry = new MemoryRegistry();
  const [a] = registry.add('h.example/a:1', [layer('a', 1000)]);
  const [b] = registry.add('h.example/b:1', [layer('b', 1000)]);
  assert.ok(a && b);
  const directory = join(mountpoint, 'store');
  const store = openStore({ directory, registry });
  await store.fetch(a, fromRegistry());
  remount('ro');
  for (const call of [
    () => store.fetch(b, fromRegistry()),
    () => store.pin('r', [request(a)]),
    () => store.remove(a.manifest),
    () => openStore({ directory: join(mountpoint, 'new'), registry }).fetch(a, fromRegistry()),
  ]) {
    await assert.rejects(
      call(),
      (error) => error instanceof BerthError && error.message.includes(mountpoint),
    );
  }
  assert.equal((await store.images()).length, 1);
  assert.deepEqual(await store.pins(), []);
});

test('a removal that ends half-way leaves what is named whole, and is taken up again', {
  skip: skipMounts,
}, async (t) => {
  const directory = join(temporaryDirectory(t), 'store');
  const registry = new MemoryRegistry();
  const [a] = registry.add('h.example/a:1', [layer('base', 1000), layer('a', 1000)]);
  const [b] = registry.add('h.example/b:1', [layer('base', 1000), layer('b', 1000)]);
  assert.ok(a && b);
  const store = openStore({ directory, registry });
  await store.fetch(a, fromRegistry());
  await store.fetch(b, fromRegistry());
  const busy = join(directory, 'blobs', (a.blobs[2]?.digest ?? '').replace(':', '/'));
  execFileSync('mount', ['--bind', busy, busy]);
  try {
    await assert.rejects(
      store.remove(a.manifest),
      (error) => error instanceof BerthError && error.message.includes(busy),
    );
    assert.deepEqual([...validNames(directory).values()], [b.manifest]);
  } finally {
    execFileSync('umount', [busy]);
  }
  assert.equal(await store.remove(a.manifest), true);
  assert.equal(validBlobs(directory).size, b.blobs.length + 1);
});
