import assert from 'node:assert/strict';
import test from 'node:test';
import { limitingRate } from '../../src/registry/limit-rate.ts';
import { buildImage } from '../support/image-builder.ts';
import { client, serve, sink } from './open.ts';

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

/** Time that passes only where somebody waits for it. */
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
  // The last piece is here when its turn begins.
  const most = total / 100;
  assert.ok(time.taken() <= most, `${time.taken()} ms`);
  assert.ok(time.taken() >= most - (64 * 1024) / 100, `${time.taken()} ms, expected ${most}`);
});
