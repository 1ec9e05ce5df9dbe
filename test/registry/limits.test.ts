import assert from 'node:assert/strict';
import test from 'node:test';
import { BlobProgress } from '../../src/registry/blob-progress.ts';
import { type LimitSettings, Limits } from '../../src/registry/limits.ts';
import { buildImage } from '../support/image-builder.ts';
import { client, serve, sink } from '../support/registry-client.ts';

const image = buildImage({
  layers: [
    { bytes: 3_000_000, seed: 1 },
    { bytes: 2_000_000, seed: 2 },
  ],
});
const layers = [...image.blobs]
  .filter(([, { length }]) => length > 1_000_000)
  .map(([digest, { length }]) => ({ digest, size: length, mediaType: 'application/octet-stream' }));
const total = layers.reduce((sum, { size }) => sum + size, 0);

/** A clock that advances only while somebody waits. */
function clock() {
  let time = 0;
  return {
    now: () => time,
    wait: async (milliseconds: number) => {
      const until = time + milliseconds;
      await Promise.resolve();
      time = Math.max(time, until);
    },
    taken: () => time,
  };
}

const rate = (limitRate: number): LimitSettings => ({ limitRate, registries: new Map() });

test('all downloads together keep to the rate', async (t) => {
  const server = await serve(t);
  server.push('app:1', image);
  const time = clock();
  const limits = new Limits(rate(100_000), time);
  const registry = client(t, [server], { limits });
  const sinks = layers.map(() => sink());
  await Promise.all(
    layers.map((layer, i) =>
      registry.download(`${server.host}/app:1`, layer, {}, sinks[i] ?? sink()),
    ),
  );
  for (const [i, layer] of layers.entries()) {
    assert.deepEqual(sinks[i]?.content(), image.blobs.get(layer.digest));
  }
  // The last piece has already arrived when its turn begins.
  const most = total / 100;
  assert.ok(time.taken() <= most, `${time.taken()} ms`);
  assert.ok(time.taken() >= most - (64 * 1024) / 100, `${time.taken()} ms, expected ${most}`);
});

test('bytes that come once more count as well', async (t) => {
  const server = await serve(t);
  server.push('app:1', image);
  const time = clock();
  const limits = new Limits(rate(100_000), time);
  const registry = client(t, [server], { limits });
  const [layer = assert.fail('no layer')] = layers;
  const content = image.blobs.get(layer.digest) ?? assert.fail('no content');
  // This server can't send parts.
  server.fault = () => ({ status: 200, body: content });
  const progress = new BlobProgress();
  progress.add(content.subarray(0, layer.size / 2));
  const into = sink();
  await registry.download(`${server.host}/app:1`, layer, {}, into, { progress });
  assert.deepEqual(into.content(), content.subarray(layer.size / 2));
  const least = (layer.size - 64 * 1024) / 100;
  assert.ok(time.taken() >= least, `${time.taken()} ms, expected ${least}`);
});

test('a registry has a rate of its own, beside that of all', async (t) => {
  const [slow, other] = [await serve(t), await serve(t)];
  for (const server of [slow, other]) server.push('app:1', image);
  const time = clock();
  const registries = new Map([[slow.host, { limitRate: 50_000 }]]);
  const limits = new Limits({ limitRate: 1_000_000, registries }, time);
  const registry = client(t, [slow, other], { limits });
  const [layer = assert.fail('no layer')] = layers;
  await registry.download(`${other.host}/app:1`, layer, {}, sink());
  const before = time.taken();
  assert.ok(before <= layer.size / 1000, `${before} ms`);
  await registry.download(`${slow.host}/app:1`, layer, {}, sink());
  const took = time.taken() - before;
  assert.ok(took >= (layer.size - 64 * 1024) / 50, `${took} ms`);
});

test('a registry is sent no more requests at a time than it may be', async (t) => {
  const server = await serve(t);
  server.push('app:1', image);
  let most = 0;
  let underWay = 0;
  server.fault = ({ path }) => {
    if (!path.includes('/blobs/')) return undefined;
    most = Math.max(most, ++underWay);
    return { kind: 'late', by: 20 };
  };
  const registries = new Map([[server.host, { atATime: 2 }]]);
  const registry = client(t, [server], { limits: new Limits({ registries }) });
  const work = async () => {
    const [layer = assert.fail('no layer')] = layers;
    await registry.download(`${server.host}/app:1`, layer, {}, sink());
    underWay--;
  };
  await Promise.all(Array.from({ length: 6 }, work));
  assert.equal(most, 2);
});

test('whose downloads are limited, and how long replies are waited for', async (t) => {
  const [mirror, plain] = [await serve(t), await serve(t)];
  const registries = new Map([
    [mirror.host, { atATime: 2 }],
    ['patient.example', { patience: 5000 }],
  ]);
  const limits = new Limits({ registries });
  assert.deepEqual(
    [mirror.host, plain.host, 'patient.example'].map((host) => limits.isLimited(host)),
    [true, false, false],
  );
  assert.equal(limits.patienceOf('patient.example'), 5000);
  const mirrors = [{ location: mirror.host, insecure: true, use: 'all' as const }];
  const rule = {
    prefix: plain.host,
    location: plain.host,
    insecure: true,
    blocked: false,
    mirrors,
  };
  const registry = client(t, [], { conf: { rules: [rule] }, limits });
  assert.equal(await registry.isLimited(`${plain.host}/app:1`, {}), true, 'by way of its mirror');
  assert.equal(await client(t, [plain], { limits }).isLimited(`${plain.host}/app:1`, {}), false);
  const overall = client(t, [plain], { limits: new Limits(rate(1)) });
  assert.equal(await overall.isLimited(`${plain.host}/app:1`, {}), true);
});
