import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { EngineError } from '../../src/engine/errors.ts';
import { openStore } from '../../src/store/store.ts';
import { validBlobs, validNames } from '../support/layout-check.ts';
import { layer } from '../support/memory-registry.ts';
import { request } from '../support/pin-request.ts';
import { fromRegistry } from '../support/source.ts';
import { type Fixture, fixture } from './fixture.ts';

function twoImages({ registry }: Fixture) {
  const [a] = registry.add('h.example/a:1', [layer('base', 20_000), layer('a', 20_000)]);
  const [b] = registry.add('h.example/b:1', [layer('base', 20_000), layer('b', 20_000)]);
  assert.ok(a && b);
  return { a, b };
}

function blobPath(directory: string, digest = ''): string {
  return join(directory, 'blobs', digest.replace(':', '/'));
}

for (const [what, damage] of [
  ['is gone', (path: string) => rmSync(path)],
  ['is short', (path: string) => truncateSync(path, 10)],
] as const) {
  test(`an image one of whose blobs ${what} is not there; a fetch brings that one back`, async (t) => {
    const f = fixture(t);
    const { a, b } = twoImages(f);
    await f.store.fetch(a, fromRegistry());
    await f.store.fetch(b, fromRegistry());
    for (const digest of [...a.blobs.map((blob) => blob.digest), a.manifest]) {
      damage(blobPath(f.directory, digest));
      // In this process, which has seen the store whole, and in another.
      for (const store of [f.store, openStore(f)]) {
        assert.ok((await store.images()).every(({ id }) => id !== a.manifest));
        await assert.rejects(store.pin('r', [request(a)]), { code: 'no-such-image' });
      }
      f.registry.requests.length = 0;
      await f.store.fetch(a, fromRegistry());
      assert.deepEqual(f.registry.requests, [digest]);
      assert.equal((await f.store.images()).length, 2);
    }
    validNames(f.directory);
  });
}

test('a manifest with other bytes of the same size is not believed', async (t) => {
  const f = fixture(t);
  const { a } = twoImages(f);
  await f.store.fetch(a, fromRegistry());
  const path = blobPath(f.directory, a.manifest);
  writeFileSync(path, Buffer.alloc(400, ' '));
  const store = openStore(f);
  assert.deepEqual(await store.images(), []);
  await store.fetch(a, fromRegistry());
  assert.equal((await store.images()).length, 1);
  validBlobs(f.directory);
});

test('an image whose index is gone is not known by its digest; a fetch brings it back', async (t) => {
  const f = fixture(t);
  const [image] = f.registry.add('h.example/a:1', [layer('a', 10)], ['linux/amd64', 'linux/arm64']);
  assert.ok(image);
  await f.store.fetch(image, fromRegistry());
  rmSync(blobPath(f.directory, image.digest));
  assert.deepEqual(
    (await f.store.images()).map(({ digests }) => digests),
    [[]],
  );
  await f.store.fetch(image, fromRegistry());
  assert.equal((await f.store.images())[0]?.digests.length, 1);
});

for (const content of ['', 'no JSON', '{}', '{"schemaVersion":2,"manifests":[{"digest":7}]}']) {
  test(`a damaged index.json (${content || 'empty'}) is an error that names it, and removes nothing`, async (t) => {
    const f = fixture(t);
    const { a, b } = twoImages(f);
    await f.store.fetch(a, fromRegistry());
    const blobs = validBlobs(f.directory);
    const path = join(f.directory, 'index.json');
    writeFileSync(path, content);
    for (const call of [
      () => f.store.images(),
      () => f.store.fetch(b, fromRegistry()),
      () => f.store.remove(a.manifest),
      () => f.store.tag(a.manifest, 'h.example/a:2'),
      () => f.store.pin('r', [request(a)]),
    ]) {
      await isDamaged(call(), path);
    }
    const left = validBlobs(f.directory);
    assert.ok([...blobs].every((digest) => left.has(digest)));
    rmSync(path);
    f.registry.requests.length = 0;
    await f.store.fetch(a, fromRegistry());
    assert.deepEqual(f.registry.requests, []);
  });
}

for (const [what, change] of [
  ['cut short', (json: string) => json.slice(0, -20)],
  ['of a later schema', (json: string) => json.replace('"schemaVersion": 1', '"schemaVersion": 2')],
  ['of another root', (json: string) => json.replace('"root": "r"', '"root": "s"')],
  ['with an id that is none', (json: string) => json.replace('"id": "sha256:', '"id": "../')],
  ['without a field', (json: string) => json.replace('"fetched": true,', '')],
] as const) {
  test(`with a file of pins ${what} nothing is removed`, async (t) => {
    const f = fixture(t);
    const { a, b } = twoImages(f);
    await f.store.fetch(a, fromRegistry());
    await f.store.fetch(b, fromRegistry());
    await f.store.pin('r', [request(a)]);
    const path = join(f.directory, 'pins', 'r.json');
    const whole = readFileSync(path, 'utf8');
    const damaged = change(whole);
    assert.notEqual(damaged, whole);
    writeFileSync(path, damaged);
    await isDamaged(f.store.pins(), path);
    await isDamaged(f.store.remove(b.manifest), path);
    await isDamaged(f.store.pin('r', [request(b)]), path);
    assert.equal((await f.store.images()).length, 2);
    writeFileSync(path, whole);
    assert.equal((await f.store.pins()).length, 1);
    assert.equal(await f.store.remove(b.manifest), true);
  });
}

test('half-written files of killed runs go with the next fetch or removal', async (t) => {
  const f = fixture(t);
  const { a, b } = twoImages(f);
  await f.store.fetch(a, fromRegistry());
  const temporary = join(f.directory, 'tmp');
  writeFileSync(join(temporary, 'left'), 'x');
  await openStore(f).fetch(b, fromRegistry());
  assert.deepEqual(readdirSync(temporary), []);
  writeFileSync(join(temporary, 'left'), 'x');
  await f.store.remove(b.manifest);
  assert.deepEqual(readdirSync(temporary), []);
});

async function isDamaged(call: Promise<unknown>, path: string): Promise<void> {
  await assert.rejects(
    call,
    (error) =>
      error instanceof EngineError &&
      error.code === 'store-damaged' &&
      error.message.startsWith(path) &&
      error.hint !== '',
  );
}
