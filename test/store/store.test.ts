import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openStore } from '../../src/store/store.ts';
import { validBlobs, validNames } from '../support/layout-check.ts';
import { layer, type MemoryRegistry } from '../support/memory-registry.ts';
import { missingOf } from '../support/missing.ts';
import { request } from '../support/pin-request.ts';
import { fromRegistry } from '../support/source.ts';
import { fixture, held } from './fixture.ts';

const base = layer('base', 40_000);
const NGINX = 'docker.io/library/nginx:1.27';
const NGINX_REPOSITORY = 'docker.io/library/nginx';

function add(registry: MemoryRegistry, name: string, words: string, platforms?: string[]) {
  const [image, ...others] = registry.add(name, [base, layer(words, 30_000)], platforms);
  assert.ok(image);
  return [image, ...others] as const;
}

test('a store that is not there is empty, and looking does not make it', async (t) => {
  const { store, registry, directory } = fixture(t);
  const [image] = add(registry, NGINX, 'a');
  assert.deepEqual(await store.images(), []);
  assert.deepEqual(await store.pins(), []);
  assert.deepEqual(await missingOf(store, image), image.blobs);
  assert.equal(await store.remove(image.manifest), true);
  await store.unpin([{ ...request(image), engine: 'store', root: 'r', handle: 'r x' }]);
  await assert.rejects(store.pin('r', [request(image)]), { code: 'no-such-image' });
  await assert.rejects(store.tag(image.manifest, NGINX), { code: 'no-such-image' });
  assert.equal((await store.info()).directory, directory);
  await store.close();
  assert.equal(existsSync(join(directory, '..')), false);
});

test('a fetch brings the image by its digest, and no tag', async (t) => {
  const { store, registry, directory } = fixture(t);
  const [image] = add(registry, NGINX, 'a');
  assert.equal(await store.fetch(image, fromRegistry()), image.manifest);
  assert.equal(store.idOf(image), image.manifest);
  const name = `${NGINX_REPOSITORY}@${image.digest}`;
  assert.deepEqual(validNames(directory), new Map([[name, image.manifest]]));
  assert.deepEqual(
    validBlobs(directory),
    new Set([image.manifest, ...image.blobs.map((blob) => blob.digest)]),
  );
  const size = [...validBlobs(directory)]
    .map((digest) => readFileSync(join(directory, 'blobs', digest.replace(':', '/'))).length)
    .reduce((a, b) => a + b);
  assert.deepEqual(await store.images(), [
    { id: image.manifest, names: [], digests: [name], size, fetched: true },
  ]);
  assert.deepEqual(await missingOf(store, image), []);
  assert.deepEqual(readdirSync(join(directory, 'tmp')), []);
});

test('an index is kept beside the platform that was fetched of it', async (t) => {
  const { store, registry, directory } = fixture(t);
  const [amd, arm] = add(registry, `quay.io:443/a/b@sha256:${'0'.repeat(64)}`, 'a', [
    'linux/amd64',
    'linux/arm/v7',
  ]);
  assert.ok(arm);
  await store.fetch(amd, fromRegistry());
  await store.fetch(arm, fromRegistry());
  assert.ok(validBlobs(directory).has(amd.digest));
  const { manifests } = JSON.parse(readFileSync(join(directory, 'index.json'), 'utf8'));
  assert.deepEqual(
    manifests.map((descriptor: object) => ({ ...descriptor, size: 0 })),
    [
      { os: 'linux', architecture: 'amd64' },
      { os: 'linux', architecture: 'arm', variant: 'v7' },
    ].map((platform, i) => ({
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      digest: [amd, arm][i]?.manifest,
      size: 0,
      platform,
      annotations: {
        'org.opencontainers.image.ref.name': `quay.io:443/a/b@${amd.digest}`,
        'io.berth.index.digest': amd.digest,
        'io.berth.fetched': 'true',
      },
    })),
  );
  // Both platforms have the same name, and each is removed alone.
  assert.deepEqual(
    (await store.images()).map(({ id, digests }) => [id, digests]),
    [amd, arm].map(({ manifest }) => [manifest, [`quay.io:443/a/b@${amd.digest}`]]),
  );
  assert.equal(await store.remove(arm.manifest), true);
  assert.deepEqual(
    (await store.images()).map(({ id }) => id),
    [amd.manifest],
  );
  assert.equal(validBlobs(directory).has(arm.manifest), false);
  assert.ok(validBlobs(directory).has(amd.digest));
  assert.equal(await store.remove(amd.manifest), true);
  assert.deepEqual(validBlobs(directory), new Set());
});

test('present blobs are not downloaded again, nor are those of another image', async (t) => {
  const { store, registry } = fixture(t);
  const [a] = add(registry, 'h.example/a:1', 'a');
  const [b] = add(registry, 'h.example/b:1', 'b');
  await store.fetch(a, fromRegistry());
  const [config, , own] = b.blobs;
  assert.deepEqual(await missingOf(store, b), [config, own]);
  registry.requests.length = 0;
  const seen: number[] = [];
  await store.fetch(b, fromRegistry(), { onBytes: (bytes) => seen.push(bytes) });
  assert.deepEqual(new Set(registry.requests), new Set([b.manifest, config?.digest, own?.digest]));
  assert.ok(seen.every((bytes, i) => i === 0 || bytes > (seen[i - 1] ?? 0)));
  assert.equal(
    seen.at(-1),
    b.blobs.reduce((sum, { size }) => sum + size, 0),
  );
  registry.requests.length = 0;
  await store.fetch(a, fromRegistry());
  await store.fetch({ ...a, name: 'h.example/other:1' }, fromRegistry());
  assert.deepEqual(registry.requests, []);
  assert.deepEqual((await store.images()).find(({ id }) => id === a.manifest)?.digests, [
    `h.example/a@${a.digest}`,
    `h.example/other@${a.digest}`,
  ]);
});

test('a tag is added, moved, and never makes a second one of its name', async (t) => {
  const { store, registry, directory } = fixture(t);
  const [a] = add(registry, 'h.example/a:1', 'a');
  const [b] = add(registry, 'h.example/a:2', 'b');
  await store.fetch(a, fromRegistry());
  await store.fetch(b, fromRegistry());
  const names = async () => (await store.images()).map((image) => [image.id, image.names]);
  await store.tag(a.manifest, 'h.example/a:latest');
  await store.tag(a.manifest, 'h.example/a:1');
  assert.deepEqual(await names(), [
    [a.manifest, ['h.example/a:latest', 'h.example/a:1']],
    [b.manifest, []],
  ]);
  await store.tag(b.manifest, 'h.example/a:latest');
  assert.deepEqual(await names(), [
    [a.manifest, ['h.example/a:1']],
    [b.manifest, ['h.example/a:latest']],
  ]);
  assert.equal(validNames(directory).size, 4);
  await assert.rejects(store.tag(`sha256:${'0'.repeat(64)}`, 'h.example/a:1'), {
    code: 'no-such-image',
  });
  const before = readFileSync(join(directory, 'index.json'));
  await store.tag(b.manifest, 'h.example/a:latest');
  assert.deepEqual(readFileSync(join(directory, 'index.json')), before);
});

test('pins are by root, say what was asked for, and last', async (t) => {
  const { store, registry, directory } = fixture(t);
  const [a] = add(registry, 'h.example/a:1', 'a');
  const [b] = add(registry, 'h.example/b:1', 'b');
  await store.fetch(a, fromRegistry());
  await store.fetch(b, fromRegistry());
  await store.pin('one', [request(a)]);
  await store.pin('one', [request(b)]);
  await store.pin('two@x', [request(a)]);
  const changed = { ...request(a, '/elsewhere'), fetched: false };
  await store.pin('one', [changed]);
  const pins = await openStore({ directory, registry }).pins();
  assert.deepEqual(held(pins), [
    ...[`one ${a.manifest}`, `one ${b.manifest}`].sort(),
    `two@x ${a.manifest}`,
  ]);
  const {
    root: _,
    handle,
    engine,
    ...pinned
  } = pins.find((p) => p.root === 'one' && p.id === a.manifest)!;
  assert.deepEqual(pinned, changed);
  assert.equal(engine, 'store');
  assert.equal(handle, `one ${a.manifest}`);
  await store.unpin(pins.filter((pin) => pin.root === 'one'));
  await store.unpin(pins.filter((pin) => pin.root === 'one'));
  assert.deepEqual(held(await store.pins()), [`two@x ${a.manifest}`]);
  assert.deepEqual(readdirSync(join(directory, 'pins')), ['two@x.json']);
  assert.equal((await store.images()).length, 2);
});

test('no pin is of a root whose id could lead elsewhere', async (t) => {
  const { store, registry, directory } = fixture(t);
  const [a] = add(registry, 'h.example/a:1', 'a');
  await store.fetch(a, fromRegistry());
  for (const root of ['', '..', '../x', '../../victim', 'a/b', 'booted', 'a\n']) {
    await assert.rejects(store.pin(root, [request(a)]), /is no id of a root/, root);
  }
  await store.pin('os', [request(a)]);
  const pins = join(directory, 'pins');
  const text = readFileSync(join(pins, 'os.json'), 'utf8');
  writeFileSync(join(pins, '...json'), text.replace('"os"', '".."'));
  await assert.rejects(store.pins(), { code: 'store-damaged' });
});

test('an image that is gone is not pinned, nor are those asked for with it', async (t) => {
  const { store, registry } = fixture(t);
  const [a] = add(registry, 'h.example/a:1', 'a');
  const [b] = add(registry, 'h.example/b:1', 'b');
  await store.fetch(a, fromRegistry());
  await assert.rejects(store.pin('r', [request(a), request(b)]), { code: 'no-such-image' });
  assert.deepEqual(await store.pins(), []);
});

test('a pinned image stays; another is removed with the blobs that only it needs', async (t) => {
  const { store, registry, directory } = fixture(t);
  const [a] = add(registry, 'h.example/a:1', 'a');
  const [b] = add(registry, 'h.example/b:1', 'b');
  for (const image of [a, b]) {
    await store.fetch(image, fromRegistry());
    await store.tag(image.manifest, image.name);
    await store.pin('r', [request(image)]);
  }
  assert.equal(await store.remove(a.manifest), false);
  assert.equal(validNames(directory).size, 4);
  const pins = await store.pins();
  await store.unpin(pins.filter(({ id }) => id === a.manifest));
  assert.equal(await store.remove(a.manifest), true);
  assert.deepEqual([...validNames(directory).keys()], [`h.example/b@${b.digest}`, b.name]);
  assert.deepEqual(
    validBlobs(directory),
    new Set([b.manifest, ...b.blobs.map(({ digest }) => digest)]),
  );
  assert.equal(await store.remove(a.manifest), true);
});

test('a pin holds its blobs even when the names are lost, and a fetch names them again', async (t) => {
  const { store, registry, directory } = fixture(t);
  const [a] = add(registry, 'h.example/a:1', 'a', ['linux/amd64', 'linux/arm64']);
  const [b] = add(registry, 'h.example/b:1', 'b');
  await store.fetch(a, fromRegistry());
  await store.fetch(b, fromRegistry());
  await store.pin('r', [request(a)]);
  rmSync(join(directory, 'index.json'));
  assert.deepEqual(await store.images(), []);
  assert.equal(await store.remove(b.manifest), true);
  registry.requests.length = 0;
  await store.fetch(a, fromRegistry());
  assert.deepEqual(registry.requests, []);
  assert.deepEqual([...validNames(directory).values()], [a.manifest]);
});

test('names and fields of other tools are kept', async (t) => {
  const { store, registry, directory } = fixture(t);
  const [a] = add(registry, 'h.example/a:1', 'a');
  const [b] = add(registry, 'h.example/b:1', 'b');
  await store.fetch(a, fromRegistry());
  const path = join(directory, 'index.json');
  const index = JSON.parse(readFileSync(path, 'utf8'));
  index.annotations = { by: 'another' };
  index.manifests[0].urls = ['https://h.example'];
  delete index.manifests[0].annotations;
  writeFileSync(path, JSON.stringify(index));
  await store.fetch(b, fromRegistry());
  await store.remove(b.manifest);
  assert.deepEqual(JSON.parse(readFileSync(path, 'utf8')), index);
  assert.deepEqual(
    (await store.images()).map(({ id, digests }) => [id, digests]),
    [[a.manifest, []]],
  );
});

test('manifests in the index of another tool are kept, and are no images by themselves', async (t) => {
  const { store, registry, directory } = fixture(t);
  const [a, arm] = add(registry, 'h.example/a:1', 'a', ['linux/amd64', 'linux/arm64']);
  const [b] = add(registry, 'h.example/b:1', 'b');
  assert.ok(arm);
  for (const image of [a, arm, b]) await store.fetch(image, fromRegistry());
  const path = join(directory, 'index.json');
  const index = JSON.parse(readFileSync(path, 'utf8'));
  const mediaType = 'application/vnd.oci.image.index.v1+json';
  index.manifests = [{ ...index.manifests[0], mediaType, digest: a.digest }, index.manifests[2]];
  writeFileSync(path, JSON.stringify(index));
  assert.deepEqual(
    (await store.images()).map(({ id }) => id),
    [b.manifest],
  );
  await store.remove(b.manifest);
  const kept = [a, arm].flatMap(({ blobs, manifest }) => [manifest, ...blobs.map((x) => x.digest)]);
  assert.deepEqual(validBlobs(directory), new Set([a.digest, ...kept]));
});
