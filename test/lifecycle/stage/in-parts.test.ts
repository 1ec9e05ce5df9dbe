import assert from 'node:assert/strict';
import test from 'node:test';
import type { Ahead } from '../../../src/engine/ahead.ts';
import type { Blob, ResolvedImage } from '../../../src/image/resolved.ts';
import { bringInParts, partsOf } from '../../../src/lifecycle/stage/in-parts.ts';

const MIB = 1024 * 1024;

function blob(name: string, size: number): Blob {
  return { mediaType: '', digest: `sha256:${name}`, size };
}

/** An image of a config and layers of so many MiB. */
function imageOf(...layers: readonly number[]): ResolvedImage {
  const blobs = [blob('config', 1000), ...layers.map((size, i) => blob(`${i + 1}`, size * MIB))];
  const digest = 'sha256:manifest';
  return {
    name: 'h.example/a:1',
    digest,
    manifest: digest,
    config: 'sha256:config',
    platform: '',
    blobs,
  };
}

/** The parts in short: the names of the blobs, and how many layers are at hand then. */
function shown(image: ResolvedImage, missing = image.blobs): readonly string[] {
  return partsOf(image, missing).map(
    ({ blobs, layers }) => `${blobs.map(({ digest }) => digest.slice(7)).join(' ')} → ${layers}`,
  );
}

test('an image comes in parts of 32 MiB and more, while at least 16 MiB are left', () => {
  assert.deepEqual(shown(imageOf()), ['config → 0']);
  assert.deepEqual(shown(imageOf(100)), ['config 1 → 1']);
  assert.deepEqual(shown(imageOf(32, 16)), ['config 1 → 1', '2 → 2']);
  assert.deepEqual(shown(imageOf(31, 16)), ['config 1 2 → 2']);
  assert.deepEqual(shown(imageOf(32, 15)), ['config 1 2 → 2']);
  assert.deepEqual(shown(imageOf(10, 10, 20, 40, 1, 60)), ['config 1 2 3 → 3', '4 → 4', '5 6 → 6']);
});

test('blobs that are here count for nothing, and a repeated one once', () => {
  const image = imageOf(100, 40, 20);
  assert.deepEqual(shown(image, [blob('2', 40 * MIB), blob('3', 20 * MIB)]), ['2 → 2', '3 → 3']);
  assert.deepEqual(shown(image, [blob('2', 10 * MIB), blob('3', 20 * MIB)]), ['2 3 → 3']);
  const [config, layer] = imageOf(40).blobs;
  assert.ok(config !== undefined && layer !== undefined);
  assert.deepEqual(shown({ ...image, blobs: [config, layer, layer] }), ['config 1 → 2']);
});

test('each part but the last is unpacked ahead, and bytes count on', async () => {
  const image = imageOf(40, 40, 40);
  const seen: string[] = [];
  const bring = async (blobs: readonly Blob[], here: number) =>
    void seen.push(`${blobs.length} after ${here}`);
  const ahead: Ahead = {
    unpack: (layers) => void seen.push(`unpack ${layers}`),
    end: async () => undefined,
  };
  await bringInParts(image, image.blobs, bring, ahead);
  const first = 40 * MIB + 1000;
  assert.deepEqual(seen, [
    '2 after 0',
    'unpack 1',
    `1 after ${first}`,
    'unpack 2',
    `1 after ${first + 40 * MIB}`,
  ]);
  seen.length = 0;
  await bringInParts(image, image.blobs, bring, undefined);
  assert.deepEqual(seen, ['4 after 0']);
});
