import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { EngineId } from '../../src/common/engine-id.ts';
import type { Depot } from '../../src/engine/depot.ts';
import type { Source } from '../../src/engine/source.ts';
import type { ResolvedImage } from '../../src/image/resolved.ts';
import type { Manifest } from '../../src/oci/manifest.ts';
import { RegistryError } from '../../src/registry/errors.ts';
import { openDepots } from '../../src/store/depot.ts';
import { openLoaded } from '../../src/store/loaded.ts';
import { receive } from '../../src/store/receive.ts';
import { openStore } from '../../src/store/store.ts';
import { validBlobs } from '../support/layout-check.ts';
import { layer, type MemoryRegistry } from '../support/memory-registry.ts';
import { request } from '../support/pin-request.ts';
import { fromRegistry } from '../support/source.ts';
import { fixture } from './fixture.ts';

const engines = ['podman', 'podman:app', 'docker'] as const;

/** The depots of three engines in one store, and an image that all of them need. */
function start(t: TestContext) {
  const { directory, registry } = fixture(t);
  const words = ['base', 'app', 'data'];
  const layers = words.map((word) => layer(word, 100_000));
  const [image = assert.fail()] = registry.add('h.example/a:1', layers, [
    'linux/amd64',
    'linux/arm64',
  ]);
  const depots = openDepots({ directory, registry });
  const depotOf = (engine: EngineId) => depots.forEngine({ engine, serves: () => true });
  return { directory, registry, image, depots, depotOf };
}

function bring(depot: Depot, image: ResolvedImage, source = fromRegistry(), root = 'os') {
  return depot.bring({ root, request: request(image) }, image, image.blobs, source, {});
}

const isWhole = (depot: Depot, image: ResolvedImage) =>
  depot.find(image.name, image) !== undefined && image.blobs.every((blob) => depot.has(blob));

/** The layout of the tests: everything that the registry has. */
async function layoutOf(registry: MemoryRegistry, image: ResolvedImage): Promise<Source> {
  const documents = new Map<string, Manifest>();
  for (const digest of [image.manifest, image.digest]) {
    documents.set(digest, await registry.manifest(image.name, digest));
  }
  registry.requests.length = 0;
  async function* read(blob: { readonly digest: string; readonly size: number }) {
    const chunks: Buffer[] = [];
    const whole = { ...blob, mediaType: '' };
    await registry.download(image.name, whole, {}, { write: async (one) => void chunks.push(one) });
    for (const chunk of chunks) yield chunk;
  }
  const manifest = (digest: string) => documents.get(digest) ?? assert.fail(digest);
  const signatures = () => [];
  const images = { manifest, read, signatures, has: () => true, find: () => image };
  return { from: 'layout', images };
}

test('an image that three engines need at once comes once', async (t) => {
  const { registry, image, depotOf, depots } = start(t);
  registry.before = () => setImmediate();
  await Promise.all(engines.map((engine) => bring(depotOf(engine), image)));
  const needed = new Set([image.digest, image.manifest, ...image.blobs.map((one) => one.digest)]);
  assert.deepEqual(registry.requests.toSorted(), [...needed].sort());
  for (const engine of engines) {
    const depot = depotOf(engine);
    assert.ok(isWhole(depot, image));
    const pins = depot.pins().map((pin) => [pin.engine, pin.root, pin.id]);
    assert.deepEqual(pins, [[engine, 'os', image.config]]);
  }
  assert.deepEqual(depots.engines(), ['docker', 'podman', 'podman:app']);
});

test('an image of a layout that three engines need at once is copied once', async (t) => {
  const { registry, image, depotOf } = start(t);
  const source = await layoutOf(registry, image);
  registry.before = () => setImmediate();
  await Promise.all(engines.map((engine) => bring(depotOf(engine), image, source)));
  const blobs = new Set(image.blobs.map(({ digest }) => digest));
  assert.deepEqual(registry.requests.toSorted(), [...blobs].sort());
  assert.ok(isWhole(depotOf('docker'), image));
});

test('an image that came for one engine is only held for the next', async (t) => {
  const { registry, image, depotOf } = start(t);
  await bring(depotOf('podman'), image);
  registry.requests.length = 0;
  await bring(depotOf('docker'), image);
  assert.deepEqual(registry.requests, []);
  assert.equal(depotOf('docker').pins().length, 1);
});

/** Another image with the layer `base`, and a layer of its own. */
function neighbourOf(registry: MemoryRegistry): ResolvedImage {
  const layers = ['base', 'own'].map((word) => layer(word, 100_000));
  return registry.add('h.example/b:1', layers)[0] ?? assert.fail();
}

/**
 * Brings two images that share a layer. The first meets a failure of that layer when the second has asked
 * for all of its own, and so waits for it.
 *
 * @returns the results of both.
 */
async function failsForFirst(
  registry: MemoryRegistry,
  failure: RegistryError,
  first: () => Promise<void>,
  second: () => Promise<void>,
  secondImage: ResolvedImage,
) {
  const [, shared = assert.fail(), own = assert.fail()] = secondImage.blobs;
  const begun = Promise.withResolvers<void>();
  const secondWaits = Promise.withResolvers<void>();
  let failures = 0;
  registry.before = async (digest) => {
    if (digest === own.digest) secondWaits.resolve();
    if (digest !== shared.digest || failures > 0) return;
    failures++;
    begun.resolve();
    await secondWaits.promise;
    throw failure;
  };
  const one = first();
  await begun.promise;
  const [a, b] = await Promise.allSettled([one, second().finally(secondWaits.resolve)]);
  assert.equal(a.status === 'rejected' && a.reason, failure);
  return b;
}

test('a layer that fails for one engine is fetched again for another', async (t) => {
  const { registry, image, depotOf } = start(t);
  const neighbour = neighbourOf(registry);
  const { status } = await failsForFirst(
    registry,
    new RegistryError('unauthorized', 'no', { hint: 'none' }),
    () => bring(depotOf('podman:app'), image),
    () => bring(depotOf('podman'), neighbour),
    neighbour,
  );
  assert.equal(status, 'fulfilled');
  assert.ok(isWhole(depotOf('podman'), neighbour));
});

test('a manifest that fails for one engine is fetched again for another', async (t) => {
  const { registry, image, depotOf } = start(t);
  let asked = 0;
  registry.before = async (digest) => {
    if (digest !== image.manifest || ++asked > 1) return;
    // Nothing tells when the other waits for this one; it must not matter.
    for (let turn = 0; turn < 50; turn++) await setImmediate();
    throw new RegistryError('unauthorized', 'no', { hint: 'none' });
  };
  const results = await Promise.allSettled([
    bring(depotOf('podman:app'), image),
    bring(depotOf('podman'), image),
  ]);
  assert.deepEqual(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  assert.equal(asked, 2);
  assert.ok(isWhole(depotOf('docker'), image));
});

for (const [what, sourceOf, inherits] of [
  ['is not one for a layout', layoutOf, false],
  ['is not one where no certificate is checked', fromUnchecked, false],
  ['is one for every other that asks the same registry', fromChecked, true],
] as const) {
  test(`an outage of a registry, met by one engine, ${what}`, async (t) => {
    const { registry, image, depotOf } = start(t);
    const neighbour = neighbourOf(registry);
    const source = await sourceOf(registry, neighbour);
    const outage = new RegistryError('registry-unreachable', 'expired', { hint: 'none' });
    const result = await failsForFirst(
      registry,
      outage,
      () => bring(depotOf('podman'), image),
      () => bring(depotOf('docker'), neighbour, source),
      neighbour,
    );
    if (inherits) assert.equal(result.status === 'rejected' && result.reason, outage);
    else assert.equal(result.status, 'fulfilled');
    assert.equal(isWhole(depotOf('docker'), neighbour), !inherits);
  });
}

async function fromUnchecked(): Promise<Source> {
  return fromRegistry({ tlsVerify: false });
}

async function fromChecked(): Promise<Source> {
  return fromRegistry({ tlsVerify: true });
}

test('an engine drops only its own holds; the blobs stay until the last has dropped its hold', async (t) => {
  const { directory, image, depotOf } = start(t);
  for (const engine of engines) await bring(depotOf(engine), image);
  const podman = depotOf('podman');
  await depotOf('docker').drop(podman.pins());
  for (const engine of engines) assert.equal(depotOf(engine).pins().length, 1, engine);
  const [last, ...others] = engines;
  for (const engine of others) {
    const depot = depotOf(engine);
    await depot.drop(depot.pins());
    assert.deepEqual(depot.pins(), []);
    assert.ok(isWhole(podman, image));
  }
  await depotOf(last).drop(podman.pins());
  assert.deepEqual(validBlobs(directory), new Set());
  assert.deepEqual(readdirSync(join(directory, 'waiting')), []);
});

test('a hold without its manifest goes with the next drop of any engine', async (t) => {
  const { directory, image, depotOf, depots } = start(t);
  await bring(depotOf('docker'), image);
  rmSync(join(directory, 'blobs', image.manifest.replace(':', '/')));
  await depotOf('podman').drop([]);
  assert.deepEqual(depots.engines(), []);
});

test('an image that waits for one engine is judged anew for another', async (t) => {
  const { registry, image, depotOf } = start(t);
  await bring(depotOf('docker'), image);
  registry.refused = image.name;
  await depotOf('docker').permit(image, {}, {});
  await assert.rejects(depotOf('podman').permit(image, {}, {}), { code: 'policy-rejected' });
  await assert.rejects(bring(depotOf('podman'), image), { code: 'policy-rejected' });
  assert.deepEqual(depotOf('podman').pins(), []);
});

test('a name enters a hold only when it was judged for that engine', async (t) => {
  const { image, depotOf } = start(t);
  const other = { ...image, name: 'h.example/other:1' };
  const names = [...request(image).names, ...request(other).names];
  const hold = { root: 'os', request: { ...request(image), names } };
  await bring(depotOf('docker'), other);
  await depotOf('podman').bring(hold, image, [], fromRegistry(), {});
  const [pin] = depotOf('podman').pins();
  assert.deepEqual(pin?.names, request(image).names);
  await depotOf('docker').bring(hold, image, [], fromRegistry(), {});
  assert.deepEqual(depotOf('docker').pins()[0]?.names, names);
});

test('holds for the engine without a name are written as earlier versions did', async (t) => {
  const { directory, registry, image, depotOf } = start(t);
  const path = join(directory, 'waiting/os.json');
  await bring(depotOf('podman'), image);
  const hold = { ...request(image), id: image.manifest };
  const file = { schemaVersion: 1, root: 'os', pins: [hold] };
  const earlier = `${JSON.stringify(file, undefined, 1)}\n`;
  assert.equal(readFileSync(path, 'utf8'), earlier);
  // In a user's own state directory the same file is of that user's podman.
  const own = openDepots({ directory, registry, unnamedEngine: 'podman:app' });
  assert.deepEqual(own.engines(), ['podman:app']);
  const depot = own.forEngine({ engine: 'podman:app', serves: () => true });
  await bring(depot, image);
  assert.equal(readFileSync(path, 'utf8'), earlier);
  await bring(own.forEngine({ engine: 'podman', serves: () => true }), image);
  assert.deepEqual(JSON.parse(readFileSync(path, 'utf8')), {
    ...file,
    pins: [hold, { ...hold, engine: 'podman' }],
  });
});

test('a hold for something that is no engine is damage, and nothing is removed', async (t) => {
  const { directory, image, depotOf } = start(t);
  await bring(depotOf('docker'), image);
  const path = join(directory, 'waiting/os.json');
  const file = readFileSync(path, 'utf8');
  assert.match(file, /"engine": "docker"/);
  writeFileSync(path, file.replace('"docker"', '"dock er"'));
  const before = validBlobs(directory);
  assert.throws(() => depotOf('docker').pins(), { code: 'store-damaged' });
  await assert.rejects(depotOf('podman').drop([]), { code: 'store-damaged' });
  assert.deepEqual(validBlobs(directory), before);
});

test('the store as an engine pins nothing for another engine, whatever it is given', async (t) => {
  const { directory, registry, image, depotOf } = start(t);
  await bring(depotOf('docker'), image);
  const store = openStore({ directory, registry });
  await store.fetch(image, fromRegistry());
  const [waiting = assert.fail()] = depotOf('docker').pins();
  await store.pin('os', [{ ...waiting, id: image.manifest }]);
  assert.deepEqual(
    (await store.pins()).map(({ engine }) => engine),
    ['store'],
  );
  assert.doesNotMatch(readFileSync(join(directory, 'pins/os.json'), 'utf8'), /engine/);
});

test('an image that waits for months outlives all that others do in the store', async (t) => {
  const { directory, registry, image, depotOf } = start(t);
  const docker = depotOf('docker');
  await bring(docker, image, fromRegistry(), 'later');
  const neighbour = neighbourOf(registry);
  const store = openStore({ directory, registry });
  const check = async (what: string) => {
    assert.ok(isWhole(docker, image), what);
    assert.equal(docker.pins().length, 1, what);
    validBlobs(directory);
    for (const { id } of await store.images()) assert.notEqual(id, image.manifest, what);
  };
  await check('brought');
  await store.fetch(neighbour, fromRegistry());
  await store.pin('os', [request(neighbour)]);
  await check('a neighbour with a shared layer came');
  await store.unpin(await store.pins());
  assert.equal(await store.remove(neighbour.manifest), true);
  await check('the neighbour was removed');
  assert.equal(await store.remove(image.manifest), true);
  await check('the store removed an image that it does not have');
  await store.fetch(image, fromRegistry());
  await store.remove(image.manifest);
  await check('the store had the same image, and removed it');
  for (const engine of ['podman', 'podman:app'] as const) {
    await bring(depotOf(engine), image);
    await bring(depotOf(engine), neighbour);
    await depotOf(engine).drop(depotOf(engine).pins());
    await check(`it waited for ${engine} and was handed over`);
  }
  await load(directory, image);
  await load(directory, neighbour, registry);
  await check('bundles were loaded');
  const loaded = (await openLoaded(directory)) ?? assert.fail('nothing was loaded');
  assert.ok(loaded.awaiting.has(image.blobs[1]?.digest ?? assert.fail()));
  await loaded.staged([image, neighbour]);
  await check('a root was staged with the bundles');
  await loaded.forget(new Set());
  await loaded.close();
  await check('the bundles were forgotten');
  assert.ok(!docker.has(neighbour.blobs[2] ?? assert.fail()), 'nothing was ever swept');
  await docker.drop(docker.pins());
  assert.deepEqual(validBlobs(directory), new Set());
});

test('a loaded image is held where it lies, and outlives the bundle', async (t) => {
  const { directory, registry, depotOf } = start(t);
  const image = neighbourOf(registry);
  await load(directory, image, registry);
  registry.requests.length = 0;
  const loaded = (await openLoaded(directory)) ?? assert.fail('nothing was loaded');
  await bring(depotOf('docker'), image, { from: 'layout', images: loaded.awaiting });
  await loaded.staged([image]);
  await loaded.forget(new Set());
  await loaded.close();
  assert.equal(await openLoaded(directory), undefined);
  assert.ok(isWhole(depotOf('docker'), image));
  assert.deepEqual(registry.requests, []);
});

/** Loads an image as `berth load` does, with the blobs of the registry if the store lacks them. */
async function load(directory: string, image: ResolvedImage, registry?: MemoryRegistry) {
  await receive(directory, new AbortController().signal, async (receiver) => {
    const { name, digest, manifest, platform } = image;
    const content = readOrFetch(directory, manifest, await registry?.manifest(name, manifest));
    await receiver.writeDocument(manifest, content);
    for (const blob of image.blobs) {
      if (receiver.has(blob)) continue;
      const chunks: Buffer[] = [];
      const write = async (chunk: Buffer) => void chunks.push(chunk);
      await registry?.download(name, blob, {}, { write });
      await receiver.write(blob, from(chunks));
    }
    const mediaType = 'application/vnd.oci.image.manifest.v1+json';
    const received = { name, mediaType, digest, manifest, platform };
    await receiver.name([received], new Map([[manifest, content]]));
  });
}

function readOrFetch(directory: string, digest: string, fetched: Manifest | undefined): Buffer {
  return fetched?.content ?? readFileSync(join(directory, 'blobs', digest.replace(':', '/')));
}

async function* from(chunks: readonly Buffer[]) {
  for (const chunk of chunks) yield chunk;
}
