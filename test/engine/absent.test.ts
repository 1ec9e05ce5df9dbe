import assert from 'node:assert/strict';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { absenceBy, absentEngine } from '../../src/engine/absent.ts';
import { EngineError } from '../../src/engine/errors.ts';
import { servesOf } from '../../src/engine/serves.ts';
import { formatPlatform, hostPlatform } from '../../src/image/platform.ts';
import { openDepots } from '../../src/store/depot.ts';
import { layer, MemoryRegistry } from '../support/memory-registry.ts';
import { request } from '../support/pin-request.ts';
import { fromRegistry } from '../support/source.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const absence = {
  reason: 'this berth can’t hand images to docker',
  hint: 'wait for a berth that can',
  takes: 'never',
} as const;

function fixture(t: TestContext) {
  const directory = join(temporaryDirectory(t), 'store');
  const registry = new MemoryRegistry();
  const twice = layer('twice', 3000);
  const [image = assert.fail()] = registry.add('h.example/a:1', [twice, layer('b', 2000), twice]);
  const depots = openDepots({ directory, registry });
  const depot = depots.forEngine({ engine: 'docker', serves: servesOf('docker') });
  return { directory, image, depot, engine: absentEngine('docker', absence, depot) };
}

test('an absent engine has nothing, and says why', async (t) => {
  const { directory, image, engine } = fixture(t);
  assert.equal(engine.id, 'docker');
  assert.equal(engine.absence, absence);
  assert.equal(engine.idOf(image), image.config);
  assert.deepEqual(await engine.info(), {
    name: 'docker',
    version: '',
    directory,
    description: absence.reason,
  });
  assert.deepEqual(await engine.images(), []);
  assert.deepEqual(await engine.pins(), []);
  assert.equal(await engine.has(image.config), false);
  assert.equal(await engine.freed(new Set([image.config])), 0);
  assert.equal(await engine.remove(image.config), false);
  assert.equal(await engine.roomFor('os', 1000), undefined);
  await engine.pin('os', []);
  await engine.unpin([]);
  for (const optional of ['containers', 'repair', 'genuine'] as const) {
    assert.equal(engine[optional], undefined, optional);
  }
  await engine.close();
});

test('an absent engine refuses all that would change it, with the reason and what to do', async (t) => {
  const { image, engine } = fixture(t);
  const pinned = { ...request(image), engine: engine.id, root: 'os', handle: 'x' };
  for (const refused of [
    () => engine.fetch(image, fromRegistry()),
    () => engine.tag(image.config, image.name),
    () => engine.pin('os', [request(image)]),
    () => engine.unpin([pinned]),
  ]) {
    await assert.rejects(refused, {
      code: 'engine-absent',
      kind: 'refused',
      message: /^can't .* with docker: this berth can’t hand images to docker$/,
      hint: absence.hint,
    });
  }
});

test('an absent engine lacks every blob once; what the depot has is not missing', async (t) => {
  const { image, engine, depot } = fixture(t);
  const [config, twice, other] = image.blobs;
  const lacking = [config, twice, other];
  assert.deepEqual(await engine.footprint([image]), {
    images: [{ lacking, missing: lacking }],
    direct: [],
    fromDepot: [],
  });
  const hold = { root: 'os', request: request(image) };
  await depot.bring(hold, image, image.blobs.slice(0, 2), fromRegistry(), {});
  assert.deepEqual((await engine.footprint([image])).images, [{ lacking, missing: [other] }]);
  await depot.bring(hold, image, image.blobs, fromRegistry(), {});
  assert.deepEqual((await engine.footprint([image])).images, [{ lacking, missing: [] }]);
  assert.deepEqual(await engine.images(), [], 'waiting is not being there');
});

test('podman takes images of the host’s platform from its depot, other engines all', (t) => {
  const { image } = fixture(t);
  const own = { ...image, platform: formatPlatform(hostPlatform()) };
  const foreign = { ...image, platform: 'linux/s390x' };
  for (const [id, takesForeign] of [
    ['podman', false],
    ['podman:app', false],
    ['docker', true],
    ['containerd:ci', true],
    ['crio', true],
  ] as const) {
    assert.equal(servesOf(id)(own), true, id);
    assert.equal(servesOf(id)(foreign), takesForeign, id);
  }
});

for (const [code, takes] of [
  ['engine-unreachable', 'at-boot'],
  ['engine-failed', 'never'],
  ['engine-reply', 'never'],
  ['no-space', 'never'],
] as const) {
  test(`a podman of another user that fails with ${code} takes images: ${takes}`, () => {
    const error = new EngineError(code, 'words', { hint: 'h' });
    assert.deepEqual(absenceBy(error), { reason: 'words', hint: 'h', takes });
  });
}
