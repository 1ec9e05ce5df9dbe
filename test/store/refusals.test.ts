import assert from 'node:assert/strict';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { EngineError } from '../../src/engine/errors.ts';
import { validBlobs, validNames } from '../support/layout-check.ts';
import { layer, MemoryRegistry } from '../support/memory-registry.ts';
import { fromRegistry } from '../support/source.ts';
import { fixture } from './fixture.ts';

function add(registry: MemoryRegistry, name: string, words: string, platforms?: string[]) {
  const [image, ...others] = registry.add(
    name,
    [layer('base', 40_000), layer(words, 30_000)],
    platforms,
  );
  assert.ok(image);
  return [image, ...others] as const;
}

test('an image that the policy refuses is not fetched, and leaves nothing', async (t) => {
  const { store, registry, directory } = fixture(t);
  const [a] = add(registry, 'h.example/a:1', 'a');
  registry.refused = a.name;
  await assert.rejects(store.fetch(a, fromRegistry()), { code: 'policy-rejected' });
  assert.deepEqual(registry.requests, []);
  assert.equal(existsSync(directory), false);
});

test('a manifest that is not what was planned is refused', async (t) => {
  const { store, registry, directory } = fixture(t);
  const [a] = add(registry, 'h.example/a:1', 'a', ['linux/amd64', 'linux/arm64']);
  const [b] = add(registry, 'h.example/b:1', 'b');
  for (const planned of [
    { ...a, blobs: a.blobs.slice(0, -1) },
    { ...a, blobs: a.blobs.map((blob) => ({ ...blob, size: blob.size + 1 })) },
    { ...a, config: b.config },
    { ...a, digest: b.manifest },
    { ...a, manifest: a.digest },
    { ...b, manifest: b.config },
    { ...b, blobs: [...b.blobs, { mediaType: '', digest: 'sha512:../../x', size: 1 }] },
  ]) {
    await assert.rejects(store.fetch(planned, fromRegistry()), { code: 'engine-reply' });
  }
  assert.deepEqual(await store.images(), []);
  assert.deepEqual(validNames(directory), new Map());
});

test('a manifest that does not hash to its digest is refused', async (t) => {
  const { store, registry, directory } = fixture(t);
  const [a] = add(registry, 'h.example/a:1', 'a');
  const [b] = add(registry, 'h.example/b:1', 'b');
  const honest = registry.manifest.bind(registry);
  registry.manifest = (name) => honest(name, b.manifest);
  await assert.rejects(store.fetch(a, fromRegistry()), { code: 'engine-reply' });
  assert.deepEqual(validBlobs(directory), new Set());
});

test('a directory that is something else is refused, and left alone', async (t) => {
  const { store, registry, directory } = fixture(t);
  const [a] = add(registry, 'h.example/a:1', 'a');
  await store.fetch(a, fromRegistry());
  rmSync(join(directory, 'oci-layout'));
  writeFileSync(join(directory, 'holiday.jpg'), '');
  await isRefused(directory, () => store.images());
  await isRefused(directory, () => store.fetch(a, fromRegistry()));
  await isRefused(directory, () => store.remove(a.manifest));
  rmSync(join(directory, 'holiday.jpg'));
  writeFileSync(join(directory, 'oci-layout'), '{"imageLayoutVersion": "9"}');
  await isRefused(directory, () => store.images());
});

test('a store whose making was cut short is made', async (t) => {
  const { store, registry, directory } = fixture(t);
  const [a] = add(registry, 'h.example/a:1', 'a');
  await store.fetch(a, fromRegistry());
  rmSync(join(directory, 'oci-layout'));
  assert.deepEqual(await store.images(), []);
  await store.fetch(a, fromRegistry());
  assert.equal((await store.images()).length, 1);
});

async function isRefused(directory: string, call: () => Promise<unknown>) {
  await assert.rejects(
    call(),
    (error) =>
      error instanceof EngineError &&
      error.code === 'store-damaged' &&
      error.message.includes(directory) &&
      error.hint.includes('--state-dir'),
  );
}
