import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { downloadingFirst } from '../../src/engine/download-first.ts';
import type { Engine } from '../../src/engine/engine.ts';
import type { Source } from '../../src/engine/source.ts';
import { RegistryError } from '../../src/registry/errors.ts';
import { openDepot } from '../../src/store/depot.ts';
import { fixture } from '../store/fixture.ts';
import { layer } from '../support/memory-registry.ts';

const name = 'registry.example/app:1';

/** An engine that pulls by itself what does not lie in its depot, and says which it did. */
function puller(t: TestContext, serves = () => true) {
  const { store, directory, registry } = fixture(t);
  const depot = openDepot({ directory, registry }, { engine: 'podman', serves });
  const did: string[] = [];
  const engine: Engine = {
    ...store,
    id: 'podman',
    traits: { downloads: 'engine', judges: 'engine', pullsAs: 'caller', pins: 'firm' },
    depot,
    idOf: (image) => image.config,
    footprint: async (images) => ({
      images: images.map(({ blobs }) => ({ lacking: blobs, missing: depot.missing(blobs) })),
      direct: [],
      fromDepot: [],
    }),
    fetch: async (image) => {
      const isHere = image.blobs.every((blob) => depot.has(blob));
      did.push(isHere ? 'loads' : 'pulls');
      return image.config;
    },
  };
  const [image = assert.fail('no image')] = registry.add(name, [layer('a', 5000)]);
  const warnings: string[] = [];
  const limited = (isLimited: boolean, one = engine, foresee = async () => undefined) =>
    downloadingFirst(one, { isLimited: async () => isLimited, foresee }, (message) =>
      warnings.push(message),
    );
  return { engine, depot, registry, image, did, warnings, limited };
}

const source: Source = { from: 'registry', access: {} };

test('where nothing limits an image, the engine pulls it', async (t) => {
  const { limited, image, did, registry } = puller(t);
  await limited(false).fetch(image, source);
  assert.deepEqual([did, registry.requests], [['pulls'], []]);
});

test('a limited image is downloaded first, and nothing of it is left in the depot', async (t) => {
  const { limited, image, did, registry, depot, warnings } = puller(t);
  let most = 0;
  await limited(true).fetch(image, source, { onBytes: (bytes) => (most = bytes) });
  assert.deepEqual(did, ['loads']);
  assert.deepEqual(
    new Set(registry.requests),
    new Set([image.manifest, ...image.blobs.map(({ digest }) => digest)]),
  );
  assert.equal(
    most,
    image.blobs.reduce((sum, { size }) => sum + size, 0),
  );
  assert.deepEqual(
    [depot.pins(), depot.missing(image.blobs).length, warnings],
    [[], image.blobs.length, []],
  );
});

test('what waits in the depot is not downloaded, nor let go of', async (t) => {
  const { limited, image, did, registry, depot } = puller(t);
  const { digest, manifest, platform, config: id } = image;
  const record = { location: '/', images: 1, problems: 0, staged: '2026-01-01T00:00:00Z' };
  const request = { id, platform, names: [{ name, digest, manifest }], fetched: true, record };
  await depot.bring({ root: 'os', request }, image, image.blobs, source, {});
  registry.requests.length = 0;
  await limited(true).fetch(image, source);
  assert.deepEqual([did, registry.requests, depot.pins().length], [['loads'], [], 1]);
});

test('a failed download is the failure of the fetch', async (t) => {
  const { limited, image, did, registry } = puller(t);
  registry.before = async (_, offset) => {
    if (offset > 0) throw new Error('the network is away');
  };
  registry.chunkSize = 1000;
  await assert.rejects(limited(true).fetch(image, source), /the network is away/);
  assert.deepEqual(did, []);
});

test('what berth can’t download is pulled all the same, and the reason is said', async (t) => {
  const served = puller(t, () => false);
  await served.limited(true).fetch(served.image, source);
  assert.deepEqual(served.did, ['pulls']);
  assert.match(
    served.warnings.join(),
    /podman pulls registry\.example\/app:1 by itself, .*only from a registry/,
  );
  const refused = puller(t);
  refused.registry.refused = name;
  await refused.limited(true).fetch(refused.image, source);
  assert.match(refused.warnings.join(), /is refused$/);
  const artifact = puller(t);
  await artifact.limited(true).fetch({ ...artifact.image, artifact: true }, source);
  assert.match(artifact.warnings.join(), /it is an artifact$/);
  assert.deepEqual([...refused.did, ...artifact.did], ['pulls', 'pulls']);
});

test('what podman may not load as an archive is not downloaded twice', async (t) => {
  const { limited, engine, image, did, registry, warnings } = puller(t);
  const foresee = async () => {
    const hint = 'let the engine pull it';
    throw new RegistryError('policy-rejected', 'archives are rejected', { hint });
  };
  await limited(true, engine, foresee).fetch(image, source);
  assert.deepEqual([did, registry.requests], [['pulls'], []]);
  assert.match(warnings.join(), /archives are rejected$/);
});

test('an engine that takes nothing from berth pulls, and that is said where a limit exists', async (t) => {
  const { limited, engine, image, did, warnings } = puller(t);
  const { depot: _, ...without } = engine;
  await limited(false, without).fetch(image, source);
  assert.deepEqual(warnings, []);
  await limited(true, without).fetch(image, source);
  assert.deepEqual(did, ['pulls', 'pulls']);
  assert.match(warnings.join(), /by itself, .*only from a registry$/);
});

test('an engine for which berth downloads anyway stays as it is', (t) => {
  const { engine, limited } = puller(t);
  const own: Engine = { ...engine, traits: { ...engine.traits, downloads: 'berth' } };
  assert.equal(limited(true, own), own);
});
