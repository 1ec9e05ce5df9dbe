import assert from 'node:assert/strict';
import test from 'node:test';
import { BlobProgress } from '../../src/registry/blob-progress.ts';
import { limitingRate } from '../../src/registry/limit-rate.ts';
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

test('all downloads together keep to the rate', async (t) => {
  const server = await serve(t);
  server.push('app:1', image);
  const time = clock();
  const registry = limitingRate(client(t, [server]), 100_000, time);
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
  const registry = limitingRate(client(t, [server]), 100_000, time);
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
