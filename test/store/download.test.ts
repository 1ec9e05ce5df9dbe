import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { RegistryError } from '../../src/registry/errors.ts';
import { validBlobs, validNames } from '../support/layout-check.ts';
import { limitCpu } from '../support/limit-cpu.ts';
import { layer, MemoryRegistry } from '../support/memory-registry.ts';
import { missingOf } from '../support/missing.ts';
import { fromRegistry } from '../support/source.ts';
import { fixture } from './fixture.ts';

function images(registry: MemoryRegistry, count: number, size = 50_000) {
  return Array.from({ length: count }, (_, i) => {
    const layers = ['base', 'runtime', `app${i}`, `data${i}`].map((word) => layer(word, size));
    const [image] = registry.add(`h.example/app${i}:1`, layers);
    assert.ok(image);
    return image;
  });
}

test('images fetched at once bring each blob once', async (t) => {
  const { store, registry, directory } = fixture(t);
  registry.before = () => setImmediate();
  await Promise.all(images(registry, 8).map((image) => store.fetch(image, fromRegistry())));
  assert.equal(new Set(registry.requests).size, registry.requests.length);
  assert.equal(validNames(directory).size, 8);
});

for (const [what, size, bound] of [
  ['small', 50_000, 8],
  ['large', 1_100_000, 4],
] as const) {
  test(`${bound} ${what} downloads run at once, whatever the number of images`, async (t) => {
    limitCpu(t, 60);
    const { store, registry } = fixture(t);
    const full = Promise.withResolvers<void>();
    let running = 0;
    let most = 0;
    const download = registry.download.bind(registry);
    registry.download = async (...given) => {
      const counts = given[1].size >= size;
      if (counts) {
        most = Math.max(most, ++running);
        if (running === bound) full.resolve();
        await full.promise;
        await setImmediate();
      }
      await download(...given);
      if (counts) running--;
    };
    await Promise.all(images(registry, 4, size).map((image) => store.fetch(image, fromRegistry())));
    assert.equal(most, bound);
  });
}

test('the largest of all images that wait comes first', async (t) => {
  const { store, registry } = fixture(t);
  const sizes = [3, 9, 1, 7, 2, 8, 4, 6, 5].map((megabytes) => 1_100_000 + megabytes * 10_000);
  const order: number[] = [];
  let configs = 0;
  const download = registry.download.bind(registry);
  const allWait = Promise.withResolvers<void>();
  registry.download = async (...given) => {
    const { size } = given[1];
    if (size >= 1_100_000) {
      order.push(size);
      await allWait.promise;
    } else if (++configs === sizes.length) {
      // An image asks for all its blobs at once.
      allWait.resolve();
    }
    await download(...given);
  };
  const all = sizes.map((size, i) => {
    const [image] = registry.add(`h.example/app${i}:1`, [layer(`app${i}`, size)]);
    assert.ok(image);
    return store.fetch(image, fromRegistry());
  });
  await Promise.all(all);
  const waited = order.slice(4);
  // Four downloads may begin at once; which of them asks first depends on the file system.
  for (const [i, size] of waited.entries()) {
    const larger = waited.slice(i + 1).filter((other) => other > size);
    assert.ok(larger.length < 4, waited.join());
  }
});

test('a blob that fails for one image is tried again for another that needs it', async (t) => {
  const { store, registry, directory } = fixture(t);
  const [a, b] = images(registry, 2);
  assert.ok(a && b);
  const shared = a.blobs[1]?.digest;
  let failures = 0;
  const begun = Promise.withResolvers<void>();
  // The other fetch has requested all its blobs when it begins with the first.
  const otherWaits = Promise.withResolvers<void>();
  const download = registry.download.bind(registry);
  registry.download = async (...given) => {
    if (given[0] === b.name) otherWaits.resolve();
    if (given[1].digest === shared && given[0] === a.name) {
      begun.resolve();
      await otherWaits.promise;
      failures++;
      throw new RegistryError('unauthorized', 'no', { hint: 'none' });
    }
    return download(...given);
  };
  const fetchedA = store.fetch(a, fromRegistry());
  await begun.promise;
  const [first, second] = await Promise.allSettled([fetchedA, store.fetch(b, fromRegistry())]);
  assert.equal(first.status === 'rejected' && first.reason.code, 'unauthorized');
  assert.equal(second.status, 'fulfilled');
  assert.equal(failures, 1);
  assert.deepEqual([...validNames(directory).values()], [b.manifest]);
});

test('a registry that loses a shared blob is not waited for again by each image', async (t) => {
  const { store, registry } = fixture(t);
  const all = images(registry, 6);
  const shared = all[0]?.blobs[1]?.digest;
  let attempts = 0;
  const download = registry.download.bind(registry);
  registry.download = async (...given) => {
    if (given[1].digest !== shared) return download(...given);
    attempts++;
    await setTimeout(50);
    throw new RegistryError('connection-lost', 'it hangs', { hint: 'none' });
  };
  const [others] = registry.add('other.example/app:1', [layer('base', 50_000)]);
  assert.ok(others);
  const results = await Promise.allSettled(
    [...all, others].map((of) => store.fetch(of, fromRegistry())),
  );
  const codes = results.map((one) => one.status === 'rejected' && one.reason.code);
  assert.deepEqual([...new Set(codes)], ['connection-lost']);
  assert.equal(attempts, 2, 'once for each registry');
});

test('a fetch that fails ends its other downloads, keeps what is whole, and says why', async (t) => {
  const { store, registry, directory } = fixture(t);
  const [a] = images(registry, 1);
  assert.ok(a);
  const broken = a.blobs[3]?.digest;
  registry.before = async (digest, offset, signal) => {
    if (digest === broken && offset > 0) {
      throw new RegistryError('connection-lost', 'cut', { hint: 'again' });
    }
    // The last layer never ends by itself.
    if (digest === a.blobs[4]?.digest && signal !== undefined && offset > 0) {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    }
  };
  await assert.rejects(store.fetch(a, fromRegistry()), { code: 'connection-lost' });
  assert.deepEqual(readdirSync(join(directory, 'tmp')), []);
  assert.deepEqual(await store.images(), []);
  const kept = validBlobs(directory);
  registry.before = () => {};
  registry.requests.length = 0;
  await store.fetch(a, fromRegistry());
  assert.ok(kept.size > 1);
  assert.ok(registry.requests.every((digest) => !kept.has(digest)));
});

test('a fetch ends with its signal and leaves nothing half-written', async (t) => {
  const { store, registry, directory } = fixture(t);
  const [a] = images(registry, 1);
  assert.ok(a);
  const abort = new AbortController();
  registry.before = (_, offset) => {
    if (offset > 0) abort.abort(new Error('enough'));
  };
  await assert.rejects(store.fetch(a, fromRegistry(), { signal: abort.signal }), /^Error: enough$/);
  assert.deepEqual(readdirSync(join(directory, 'tmp')), []);
  assert.deepEqual(validNames(directory), new Map());
});

test('a layer that comes twice in an image counts once', async (t) => {
  const { store, registry } = fixture(t);
  const twice = layer('twice', 1000);
  const [image] = registry.add('h.example/a:1', [twice, layer('once', 10), twice]);
  assert.ok(image);
  assert.equal((await missingOf(store, image)).length, 3);
  let here = 0;
  await store.fetch(image, fromRegistry(), { onBytes: (bytes) => (here = bytes) });
  const sizes = new Map(image.blobs.map(({ digest, size }) => [digest, size]));
  assert.equal(
    here,
    [...sizes.values()].reduce((a, b) => a + b),
  );
  assert.equal(registry.requests.length, 4);
  assert.equal((await store.images()).length, 1);
});

test('chunks of any size make the same blob', async (t) => {
  for (const chunkSize of [1, 1000, 524_287, 524_288, 524_289, 2_000_000]) {
    const { store, registry, directory } = fixture(t);
    registry.chunkSize = chunkSize;
    // One image is small, in tiny chunks; another takes several writes.
    const [image] = registry.add('h.example/a:1', [layer('a', chunkSize < 1000 ? 900 : 1_300_000)]);
    assert.ok(image);
    await store.fetch(image, fromRegistry());
    assert.equal(validBlobs(directory).size, 3);
  }
});
