import assert from 'node:assert/strict';
import test from 'node:test';
import type { EngineId } from '../../../src/common/engine-id.ts';
import { EngineError } from '../../../src/engine/errors.ts';
import { buildImage } from '../../support/image-builder.ts';
import { APP, BEN, type ManyEngines, never, startEngines } from '../../support/many-engines.ts';

const three: readonly EngineId[] = ['podman', APP, BEN];

const image = (seed: number) =>
  buildImage({
    layers: [
      { bytes: 30_000, seed: 1 },
      { bytes: 10_000, seed },
    ],
  });

/** The requests for documents and blobs that the registry answered, each with how often it came. */
function served({ server }: ManyEngines): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { method, path, status } of server.requests) {
    if (!/\/(?:blobs|manifests)\//.test(path) || method !== 'GET' || status >= 300) continue;
    counts[path] = (counts[path] ?? 0) + 1;
  }
  return counts;
}

function assertOnce(host: ManyEngines): void {
  for (const [what, count] of Object.entries(served(host))) assert.equal(count, 1, what);
}

/** The bytes of blobs that the registry sent. */
function blobBytes({ server }: ManyEngines): number {
  const blobs = server.requests.filter(({ path }) => path.includes('/blobs/'));
  return blobs.reduce((sum, { bytes }) => sum + bytes, 0);
}

async function imagesOn(host: ManyEngines, id: EngineId): Promise<number> {
  return (await host.engine(id).images()).length;
}

test('three engines need one image: each blob and document comes once', async (t) => {
  const host = await startEngines(t);
  host.server.push('web:1', image(2));
  host.tree('os', { 'web:1': three });
  const { findings, plan } = await host.stage('os');
  assert.deepEqual(findings, []);
  assertOnce(host);
  const blobs = Object.keys(served(host)).filter((what) => what.includes('/blobs/'));
  assert.equal(blobs.length, 3, 'a config and two layers');
  assert.equal(blobBytes(host), plan.bytes, 'the plan has said how much comes');
  for (const id of three) assert.equal(await imagesOn(host, id), 1, id);
});

test('eight images with a common layer, each on other engines, come once', async (t) => {
  const host = await startEngines(t);
  const sets: readonly (readonly EngineId[])[] = [three, ['podman'], [APP, BEN], [BEN]];
  const trees = Array.from({ length: 8 }, (_, i) => {
    host.server.push(`app${i}:1`, image(i + 2));
    return [`app${i}:1`, sets[i % sets.length] ?? []] as const;
  });
  host.tree('os', Object.fromEntries(trees));
  const { findings, plan } = await host.stage('os');
  assert.deepEqual(findings, []);
  assertOnce(host);
  assert.equal(blobBytes(host), plan.bytes);
  const counts = await Promise.all(three.map((id) => imagesOn(host, id)));
  assert.deepEqual(counts, [4, 4, 6]);
});

test('an image that waits for an absent engine comes once for all', async (t) => {
  const host = await startEngines(t);
  host.be('docker', never);
  host.server.push('web:1', image(2));
  host.tree('os', { 'web:1': ['podman', 'docker', APP] });
  const { failures } = await host.stage('os');
  assert.deepEqual(failures, []);
  assertOnce(host);
});

test('nothing comes twice when the first engine fails, nor in the stage after that', async (t) => {
  const host = await startEngines(t);
  host.server.push('web:1', image(2));
  host.tree('os', { 'web:1': three });
  const error = new EngineError('engine-failed', 'podman is broken', { hint: 'mend it' });
  host.change('podman', () => ({ fetch: async () => Promise.reject(error) }));
  const { failures } = await host.stage('os');
  assert.deepEqual(
    failures.map(({ image: { engine }, error: { code } }) => [engine, code]),
    [['podman', 'engine-failed']],
  );
  assert.deepEqual([await imagesOn(host, APP), await imagesOn(host, BEN)], [1, 1]);
  host.change('podman', () => ({}));
  const before = blobBytes(host);
  assert.deepEqual((await host.stage('os')).findings, []);
  assert.equal(blobBytes(host), before);
});

test('an engine that has the layers needs no download when another lacks them', async (t) => {
  const host = await startEngines(t);
  host.server.push('web:1', image(2));
  host.tree('os', { 'web:1': ['podman'] });
  await host.stage('os');
  host.server.requests.length = 0;
  host.tree('next', { 'web:1': three });
  const { plan, findings } = await host.stage('next');
  assert.deepEqual(findings, []);
  assertOnce(host);
  assert.equal(blobBytes(host), plan.bytes);
  assert.deepEqual(plan.images.map(({ engine, way }) => `${engine} ${way}`).sort(), [
    'podman direct',
    `${APP} two-steps`,
    `${BEN} two-steps`,
  ]);
});

test('a tag that moves while a root is planned means one image for all engines', async (t) => {
  const host = await startEngines(t);
  host.server.push('web:1', image(2));
  host.tree('os', { 'web:1': three });
  host.server.fault = ({ path }) => {
    if (path.endsWith('/manifests/1')) host.server.push('web:1', image(3));
    return undefined;
  };
  const { images } = await host.plan('os');
  assert.equal(new Set(images.map(({ manifest }) => manifest)).size, 1);
  assert.equal(images.length, 3);
});

test('an absent engine of the root does not make another fetch more images at a time', async (t) => {
  const host = await startEngines(t);
  const names = ['a:1', 'b:1', 'c:1', 'd:1'];
  for (const [i, name] of names.entries()) host.server.push(name, image(i + 2));
  host.tree('os', {
    ...Object.fromEntries(names.map((name) => [name, ['podman'] as const])),
    'other:1': ['docker'],
  });
  host.server.push('other:1', buildImage({ layers: [{ bytes: 1000, seed: 9 }] }));
  host.be('docker', never);
  let [now, most] = [0, 0];
  host.change('podman', (engine) => ({
    concurrency: 2,
    fetch: async (...given) => {
      most = Math.max(most, ++now);
      return engine.fetch(...given).finally(() => now--);
    },
  }));
  assert.deepEqual((await host.stage('os')).failures, []);
  assert.ok(most <= 2, `${most} at a time`);
});
