import assert from 'node:assert/strict';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { openStore } from '../../src/store/store.ts';
import { validBlobs, validNames, validPins } from '../support/layout-check.ts';
import { request } from '../support/pin-request.ts';
import { rounds } from '../support/property.ts';
import { fromRegistry } from '../support/source.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { held } from './fixture.ts';
import { killAtRandom, start } from './life.ts';
import { sampleRegistry } from './worker.ts';

const KILLS = rounds(8);

test(`killed at ${KILLS} random moments, a store is valid, and the next run goes on from there`, async (t) => {
  const parent = temporaryDirectory(t);
  await killAtRandom(t, KILLS, (name) => join(parent, name), goesOn);
});

test('two that stage while a third removes never lose what is pinned', async (t) => {
  const directory = join(temporaryDirectory(t), 'store');
  const remover = start(t, ['remover', directory]);
  const stagers = [
    start(t, ['stager', directory, '0', '1', '2', '3']),
    start(t, ['stager', directory, '2', '3', '4', '5']),
  ];
  for (const [code] of await Promise.all(stagers.map((child) => once(child, 'exit')))) {
    assert.equal(code, 0);
  }
  assert.equal(remover.exitCode, null, 'the remover failed');
  remover.kill('SIGKILL');
  await once(remover, 'exit');
  const { images, registry } = sampleRegistry();
  validNames(directory);
  validBlobs(directory);
  assert.equal(validPins(directory).size, images.length);
  const store = openStore({ directory, registry });
  const pinned = ['0 0', '0 1', '0 2', '0 3', '2 2', '2 3', '2 4', '2 5'].map((pair) => {
    const [root = '', image] = pair.split(' ');
    return `${root} ${images[Number(image)]?.manifest}`;
  });
  assert.deepEqual(held(await store.pins()), pinned.sort());
});

/** Checks the state after a kill, and that the next run continues from it. */
async function goesOn(directory: string): Promise<void> {
  validNames(directory);
  validPins(directory);
  const before = validBlobs(directory);
  const { registry, images } = sampleRegistry();
  const store = openStore({ directory, registry });
  await Promise.all(images.map((image) => store.fetch(image, fromRegistry())));
  const again = registry.requests.filter((digest) => before.has(digest));
  assert.deepEqual(again, [], 'it fetched what was there');
  assert.equal((await store.images()).length, images.length);
  for (const image of images) {
    await store.tag(image.manifest, image.name);
    await store.pin('all', [request(image)]);
  }
  assert.equal(validPins(directory).size, images.length);
  await store.unpin(await store.pins());
  for (const image of images) assert.equal(await store.remove(image.manifest), true);
  assert.deepEqual(validBlobs(directory), new Set());
}
