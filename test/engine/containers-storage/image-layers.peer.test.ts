import assert from 'node:assert/strict';
import test from 'node:test';
import { readImageLayers } from '../../../src/engine/containers-storage/image-layers.ts';
import { startMachine } from '../../support/berth.ts';
import { buildImage } from '../../support/image-builder.ts';
import { preparePodman, skipPodman } from '../../support/podman.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

test('layers are those that podman counts as shared', { skip: skipPodman }, async (t) => {
  const { registry, environment } = await startMachine(t);
  const base = { bytes: 200_000, seed: 1 };
  for (const seed of [2, 3]) {
    registry.push(`app:${seed}`, buildImage({ layers: [base, { bytes: 50_000 * seed, seed }] }));
  }
  const place = temporaryDirectory(t);
  const { podman } = preparePodman(place, { environment: { ...environment } });
  for (const tag of [2, 3]) await podman('pull', '-q', `registry.example.com/app:${tag}`);
  const info = ['info', '--format', '{{.Store.GraphRoot}} {{.Store.GraphDriverName}}'];
  const [graphRoot = '', driver = ''] = (await podman(...info)).trim().split(' ');
  const found = readImageLayers(graphRoot, driver);
  assert.equal(found.size, 2);
  const [one = [], other = []] = found.values();
  assert.equal(one.length, 2);
  const shared = one.filter(({ id }) => other.some((layer) => layer.id === id));
  assert.deepEqual(shared, [one.at(-1)]);
  for (const [id, layers] of found) {
    const size = await podman('image', 'inspect', '--format', '{{.Size}}', id);
    const sum = layers.reduce((bytes, layer) => bytes + layer.size, 0);
    // podman adds the image's documents.
    assert.ok(Number(size) >= sum && Number(size) - sum < 20_000, `${size} ${sum}`);
  }
});
