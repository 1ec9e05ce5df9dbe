import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { BlobProgress } from '../../src/registry/blob-progress.ts';
import type { RegistryError } from '../../src/registry/errors.ts';
import type { Registry } from '../../src/registry/registry.ts';
import { retrying, retryPolicy } from '../../src/registry/retry.ts';
import { buildImage } from '../support/image-builder.ts';
import { client, fails, serve, sink } from '../support/registry-client.ts';
import type { Fault } from '../support/registry-fault.ts';

const SIZE = 5 * 1024 * 1024;
const image = buildImage({ layers: [{ bytes: SIZE, seed: 1 }] });
const [digest = '', layerContent = Buffer.alloc(0)] =
  [...image.blobs].find(([, { length }]) => length > SIZE / 2) ?? [];
const layer = { digest, size: layerContent.length, mediaType: 'application/octet-stream' };

/** A registry with a sequence of faults, and a client that never really waits. */
async function start(t: TestContext, random = 1) {
  const server = await serve(t);
  server.push('app:1', image);
  const waits: number[] = [];
  const codes: string[] = [];
  const registry = retrying(client(t, [server]), {
    ...retryPolicy,
    random: () => random,
    wait: async (milliseconds) => void waits.push(milliseconds),
    onRetry: (error: RegistryError) => void codes.push(error.code),
  });
  const goesWrong = (kind: 'manifests' | 'blobs', ...faults: readonly (Fault | undefined)[]) => {
    const left = [...faults];
    server.fault = ({ path }) => (path.includes(`/${kind}/`) ? left.shift() : undefined);
  };
  return { server, registry, waits, codes, goesWrong, name: `${server.host}/app:1` };
}

const platform = { os: 'linux', architecture: 'amd64' };

test('temporary failures are retried, each wait up to twice as long as the previous one', async (t) => {
  const { registry, waits, codes, goesWrong, name } = await start(t);
  goesWrong(
    'manifests',
    { status: 503 },
    { status: 500 },
    { kind: 'reset', after: 10 },
    { kind: 'reset-at-once' },
  );
  assert.equal((await registry.resolve(name, platform, {})).manifest, image.top.digest);
  assert.deepEqual(waits, [1000, 2000, 4000, 8000]);
  assert.deepEqual(codes, [
    'registry-failed',
    'registry-failed',
    'connection-lost',
    'connection-lost',
  ]);
});

test('the waits are spread at random from nothing on', async (t) => {
  const { registry, waits, goesWrong, name } = await start(t, 0.25);
  goesWrong('manifests', { status: 503 }, { status: 503 });
  await registry.resolve(name, platform, {});
  assert.deepEqual(waits, [250, 500]);
});

test('after five times in vain it is said', async (t) => {
  const { server, registry, waits, name } = await start(t);
  server.fault = () => ({ status: 502 });
  await fails(registry.resolve(name, platform, {}), 'registry-failed');
  assert.equal(server.requests.length, 5);
  assert.equal(waits.length, 4);
});

for (const status of [400, 401, 403, 404, 410]) {
  test(`a refusal is no reason to ask again: ${status}`, async (t) => {
    const { server, registry, waits, name } = await start(t);
    server.fault = () => ({ status });
    await assert.rejects(registry.resolve(name, platform, {}));
    assert.deepEqual(waits, []);
  });
}

test('nor is a registry that is not there', async (t) => {
  const { server, registry, waits, name } = await start(t);
  await server.close();
  await fails(registry.resolve(name, platform, {}), 'registry-unreachable');
  assert.deepEqual(waits, []);
  // Closing the server again at the end of the test does no harm.
  t.mock.method(server, 'close', async () => undefined);
});

test('the time that a registry asks for is given to it, in seconds or as a date', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.parse('2026-01-01T00:00:00Z') });
  const { registry, waits, goesWrong, name } = await start(t, 0.5);
  const header = (value: string): Fault => ({ status: 429, headers: { 'retry-after': value } });
  goesWrong('manifests', header('7'), header('Thu, 01 Jan 2026 00:01:00 GMT'), header('soon'));
  await registry.resolve(name, platform, {});
  assert.deepEqual(waits, [7500, 61_000, 2000]);
});

test('but not more than two minutes: a later run comes back', async (t) => {
  const { server, registry, waits, name } = await start(t);
  server.fault = () => ({ status: 429, headers: { 'retry-after': '3600' } });
  const error = await fails(registry.resolve(name, platform, {}), 'rate-limited');
  assert.match(error.hint, /after \d{4}-\d\d-\d\dT[\d:]+Z/);
  assert.deepEqual(waits, []);
});

async function download(registry: Registry, name: string, progress = new BlobProgress()) {
  const into = sink();
  await registry.download(name, layer, {}, into, { progress });
  return into.content();
}

const content = () => layerContent;

test('a blob goes on where it broke', async (t) => {
  const { server, registry, goesWrong, name } = await start(t);
  goesWrong('blobs', { kind: 'cut', after: 3_000_000 }, { kind: 'cut', after: 5000 });
  assert.deepEqual(await download(registry, name), content());
  const bytes = server.requests.reduce((sum, request) => sum + request.bytes, 0);
  assert.ok(bytes < layer.size * 1.2, `${bytes} came`);
});

test('progress starts the count of attempts anew: a link that breaks at each megabyte gets there', async (t) => {
  const { server, registry, name } = await start(t);
  server.fault = ({ path }) =>
    path.includes('/blobs/') ? { kind: 'cut', after: 1_200_000 } : undefined;
  // The last part ends before the point at which the connection would break.
  const small = buildImage({ layers: [{ bytes: SIZE, seed: 1 }] });
  assert.equal(small.top.digest, image.top.digest);
  assert.deepEqual(await download(registry, name), content());
});

test('without progress it ends', async (t) => {
  const { server, registry, waits, name } = await start(t);
  server.fault = ({ path }) =>
    path.includes('/blobs/') ? { kind: 'cut', after: 1000 } : undefined;
  await fails(download(registry, name), 'connection-lost');
  assert.equal(waits.length, 4);
});

test('a registry that knows no parts sends all, and what was there is not written twice', async (t) => {
  const { server, registry, name } = await start(t);
  let times = 0;
  server.fault = ({ path }) => {
    if (!path.includes('/blobs/')) return undefined;
    times += 1;
    if (times === 1) return { kind: 'cut', after: 2_000_000 };
    return { status: 200, body: content() };
  };
  assert.deepEqual(await download(registry, name), content());
  assert.equal(times, 2);
});

test('present bytes are not requested again, but are hashed all the same', async (t) => {
  const { server, registry, name } = await start(t);
  const whole = new BlobProgress();
  whole.add(content());
  assert.equal((await download(registry, name, whole)).length, 0);
  const wrong = new BlobProgress();
  wrong.add(Buffer.alloc(layer.size));
  const { write } = sink();
  const ask = registry.download(name, layer, {}, { write }, { progress: wrong });
  await fails(ask, 'digest-mismatch');
  assert.equal(server.requests.length, 0);
});

test('a caller that aborts during a wait returns at once', async (t) => {
  const server = await serve(t);
  server.fault = () => ({ status: 503 });
  const abort = new AbortController();
  const registry = retrying(client(t, [server]), {
    ...retryPolicy,
    onRetry: () => abort.abort(new Error('enough')),
  });
  await assert.rejects(
    registry.resolve(`${server.host}/app:1`, platform, {}, abort.signal),
    /enough/,
  );
});
