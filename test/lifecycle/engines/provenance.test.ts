import assert from 'node:assert/strict';
import test from 'node:test';
import type { EngineId } from '../../../src/common/engine-id.ts';
import { prunable, prune } from '../../../src/lifecycle/prune.ts';
import { release } from '../../../src/lifecycle/release.ts';
import { recoverSituation } from '../../../src/lifecycle/situation.ts';
import { buildImage } from '../../support/image-builder.ts';
import { APP, type ManyEngines, startEngines } from '../../support/many-engines.ts';

class Killed extends Error {}

/** A host whose engine is killed before it pins, once: the engine has the image, and no pin tells of it. */
async function killedBeforePin(t: test.TestContext, on: EngineId): Promise<ManyEngines> {
  const host = await startEngines(t);
  host.server.push('web:1', buildImage({ layers: [{ bytes: 10_000, seed: 1 }] }));
  host.tree('os', { 'web:1': ['podman', APP] });
  host.change(on, () => ({ pin: () => Promise.reject(new Killed()) }));
  await assert.rejects(host.stage('os'), Killed);
  assert.equal((await host.engine(on).images()).length, 1);
  assert.deepEqual(await host.engine(on).pins(), []);
  host.change(on, () => ({}));
  return host;
}

async function left(host: ManyEngines): Promise<readonly number[]> {
  const context = host.context();
  await release(context, 'os');
  await prune(context, prunable(await recoverSituation(context)));
  return [(await host.engine('podman').images()).length, (await host.engine(APP).images()).length];
}

for (const engine of ['podman', APP] as const) {
  test(`a kill between fetch and pin in ${engine} loses nothing of berth’s`, async (t) => {
    const host = await killedBeforePin(t, engine);
    assert.deepEqual((await host.stage('os')).findings, []);
    const fetched = host.record('os').staged?.images.map((image) => image.fetched);
    assert.deepEqual(fetched, [true, true]);
    assert.deepEqual(await left(host), [0, 0], 'prune removes what berth has brought');
  });

  test(`after a kill between fetch and pin in ${engine}, a release is enough`, async (t) => {
    const host = await killedBeforePin(t, engine);
    assert.deepEqual(await left(host), [0, 0]);
  });

  test(`after a kill there, what somebody has named in ${engine} meanwhile is theirs`, async (t) => {
    const host = await killedBeforePin(t, engine);
    const [image] = await host.engine(engine).images();
    await host.engine(engine).tag(image?.id ?? '', 'localhost/mine:1');
    assert.deepEqual((await host.stage('os')).findings, []);
    const own = host.record('os').staged?.images.find((one) => one.engine === engine);
    assert.equal(own?.fetched, false);
    await left(host);
    assert.equal((await host.engine(engine).images()).length, 1);
  });
}

test('a second kill, and a run for another engine between, lose nothing either', async (t) => {
  const host = await killedBeforePin(t, APP);
  host.change(APP, () => ({ pin: () => Promise.reject(new Killed()) }));
  await assert.rejects(host.stage('os'), Killed);
  assert.deepEqual((await host.stage('os', { only: 'podman' })).findings, []);
  host.change(APP, () => ({}));
  assert.deepEqual((await host.stage('os')).findings, []);
  assert.deepEqual(await left(host), [0, 0]);
});

test('an image that was there before is not berth’s, on that engine alone', async (t) => {
  const host = await startEngines(t);
  host.server.push('web:1', buildImage({ layers: [{ bytes: 10_000, seed: 1 }] }));
  host.tree('by-hand', { 'web:1': ['podman'] });
  await host.stage('by-hand');
  const id = host.record('by-hand').staged?.images[0]?.id ?? '';
  await host.engine('podman').unpin(await host.engine('podman').pins());
  host.state.settle('by-hand', undefined);
  host.tree('os', { 'web:1': ['podman', APP] });
  await host.stage('os');
  assert.deepEqual(
    host.record('os').staged?.images.map(({ engine, fetched }) => [engine, fetched]),
    [
      ['podman', false],
      [APP, true],
    ],
  );
  assert.deepEqual(await left(host), [1, 0]);
  assert.equal((await host.engine('podman').images())[0]?.id, id);
});
