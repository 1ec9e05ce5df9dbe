import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { type Depots, openDepots } from '../../src/store/depot.ts';
import { validBlobs } from '../support/layout-check.ts';
import { request } from '../support/pin-request.ts';
import { rounds } from '../support/property.ts';
import { fromRegistry } from '../support/source.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { killAtRandom } from './life.ts';
import { engines, sampleRegistry } from './worker.ts';

const KILLS = rounds(8);

test(`killed at ${KILLS} random moments, the depots of three engines lose nothing that waits`, async (t) => {
  const parent = temporaryDirectory(t);
  await killAtRandom(t, KILLS, (name) => join(parent, name), goesOn, 'waiting');
});

/** Checks the state after a kill, and that the next run continues from it. */
async function goesOn(directory: string): Promise<void> {
  const before = validBlobs(directory);
  const { registry, images } = sampleRegistry();
  const depots = openDepots({ directory, registry });
  const [podman, app, docker] = engines.map((engine) => depotOf(depots, engine));
  assert.ok(podman && app && docker);
  if (existsSync(`${directory}.brought`)) {
    assert.equal(docker.pins().length, images.length);
    for (const image of images) assert.ok(image.blobs.every((blob) => docker.has(blob)));
  }
  await Promise.all(
    [docker, app].flatMap((depot) =>
      images.map((image) => {
        const hold = { root: 'next', request: request(image) };
        return depot.bring(hold, image, image.blobs, fromRegistry(), {});
      }),
    ),
  );
  const fetched = registry.requests;
  assert.deepEqual(
    fetched.filter((digest) => before.has(digest)),
    [],
    'it fetched what was there',
  );
  assert.equal(new Set(fetched).size, fetched.length, 'it fetched something twice');
  await podman.drop(podman.pins());
  await app.drop(app.pins());
  assert.deepEqual(depots.engines(), ['docker']);
  for (const image of images) {
    assert.ok(docker.find(image.name, image) !== undefined);
    assert.ok(image.blobs.every((blob) => docker.has(blob)));
  }
  await docker.drop(docker.pins());
  assert.deepEqual(validBlobs(directory), new Set());
}

function depotOf(depots: Depots, engine: (typeof engines)[number]) {
  return depots.forEngine({ engine, serves: () => true });
}
