import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MissingBlobs } from '../../../src/engine/footprint.ts';
import { footprintOn } from '../../../src/engine/footprint-on.ts';
import type { ResolvedImage } from '../../../src/image/resolved.ts';
import { neededFor, type WantedImage } from '../../../src/lifecycle/plan/needed.ts';
import { operationsOf } from '../../support/operations.ts';

const LAYERS = 1000;

/** Images of as many names, which all mean one manifest or another, and a manifest has many layers. */
function named(names: number, manifests: number): readonly ResolvedImage[] {
  const lists = Array.from({ length: manifests }, (_, of) =>
    Array.from({ length: LAYERS }, (__, at) => ({
      mediaType: 'a',
      digest: `${of} ${at}`,
      size: 1,
    })),
  );
  return Array.from({ length: names }, (_, at) => {
    const manifest = `m${at % manifests}`;
    const image = { name: `q.io/a:${at}`, manifest, config: manifest, platform: 'linux/amd64' };
    return { ...image, digest: `index ${at}`, blobs: lists[at % manifests] ?? [] };
  });
}

/** An engine that lacks everything, and keeps what it was asked. */
function emptyEngine() {
  const asked: string[] = [];
  return {
    asked,
    footprint: async (images: readonly ResolvedImage[]) => {
      asked.push(...images.map(({ manifest }) => manifest));
      const missing: MissingBlobs[] = images.map(({ blobs }) => ({
        lacking: blobs,
        missing: blobs,
      }));
      return { images: missing, direct: [] };
    },
  };
}

const source = { from: 'registry', access: {} } as const;
const wantedOf = (images: readonly ResolvedImage[]): readonly WantedImage[] =>
  images.map((image) => ({ id: image.manifest, image, source }));

test('an engine is asked once about a manifest, and each of its names gets the answer', async () => {
  const engine = emptyEngine();
  const images = named(7, 2);
  const footprint = await footprintOn(engine, images);
  assert.deepEqual(engine.asked, ['m0', 'm1']);
  assert.deepEqual(
    footprint.images.map(({ missing }) => missing),
    images.map(({ blobs }) => blobs),
  );
  const needed = neededFor(wantedOf(images), footprint, undefined);
  assert.equal(needed.downloads.length, 2 * LAYERS);
  assert.equal(needed.images, 7);
});

test('what many names of few manifests need takes no operation for each name and layer', async () => {
  const cost = (names: number) =>
    operationsOf(async () => {
      const images = named(names, 2);
      neededFor(wantedOf(images), await footprintOn(emptyEngine(), images), undefined);
    });
  await cost(2);
  const [few, many] = [await cost(200), await cost(400)];
  assert.ok(many - few < 200 * 100, `${few}, then ${many}`);
});

test('of what the engine lacks, the depot has what is not missing, and parts of what is', () => {
  const blob = (digest: string, size: number) => ({ mediaType: 'a', digest, size });
  const image = {
    lacking: [blob('stored', 5), blob('part', 9), blob('absent', 7), blob('empty', 0)],
    missing: [blob('part', 6), blob('absent', 7)],
  };
  const [wanted] = wantedOf(named(1, 1));
  assert.ok(wanted !== undefined);
  const footprint = { images: [image], direct: [], fromDepot: [] };
  const { inDepot } = neededFor([wanted], footprint, { directory: '/depot' });
  assert.deepEqual(inDepot, [blob('stored', 5), blob('part', 3), blob('empty', 0)]);
});
