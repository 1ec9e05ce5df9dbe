import assert from 'node:assert/strict';
import test from 'node:test';
import type { EngineId } from '../../../src/common/engine-id.ts';
import { readSituation } from '../../../src/lifecycle/situation.ts';
import { statusOf } from '../../../src/lifecycle/status.ts';
import { waitingContents } from '../../../src/lifecycle/waiting.ts';
import { buildImage } from '../../support/image-builder.ts';
import { APP, atBoot, BEN, type ManyEngines, startEngines } from '../../support/many-engines.ts';

const image = (seed: number) => buildImage({ layers: [{ bytes: 10_000, seed }] });

async function imagesOn(host: ManyEngines, ...ids: readonly EngineId[]): Promise<number[]> {
  return Promise.all(ids.map(async (id) => (await host.engine(id).images()).length));
}

/** A host on which the root `os` is staged for the system and two users, some of whom are absent. */
async function staged(t: test.TestContext, ...absent: readonly EngineId[]) {
  const host = await startEngines(t);
  for (const id of absent) host.be(id, atBoot);
  host.server.push('web:1', image(1));
  host.server.push('own:1', image(2));
  host.tree('os', { 'web:1': ['podman', APP], 'own:1': [APP, BEN] });
  return host;
}

test('images wait for absent users, and come to them at the boot without a network', async (t) => {
  const host = await staged(t, APP, BEN);
  assert.deepEqual((await host.stage('os')).findings, [], 'ready for the boot');
  assert.deepEqual(await imagesOn(host, 'podman', APP, BEN), [1, 0, 0]);
  await host.server.close();
  host.be(APP, undefined);
  host.be(BEN, undefined);
  assert.deepEqual((await host.boot('os', 'users')).findings, []);
  assert.deepEqual((await host.boot('os', 'system')).findings, []);
  assert.deepEqual(await imagesOn(host, 'podman', APP, BEN), [1, 2, 1]);
  assert.deepEqual(await host.findings('os'), []);
  assert.deepEqual(await host.context().engines.waitedFor(), [], 'nothing waits any more');
});

for (const [what, boots] of [
  ['the system first', ['system', 'users']],
  ['users first', ['users', 'system']],
  ['all in one run', [undefined]],
] as const) {
  test(`a root that was only downloaded comes to all engines at its boot: ${what}`, async (t) => {
    const host = await staged(t);
    await host.stage('os', { downloadOnly: true });
    assert.deepEqual(await imagesOn(host, 'podman', APP, BEN), [0, 0, 0]);
    await host.server.close();
    for (const whose of boots) await host.boot('os', whose);
    assert.deepEqual(await imagesOn(host, 'podman', APP, BEN), [1, 2, 1]);
    assert.deepEqual(await host.findings('os'), []);
    assert.deepEqual(await host.context().engines.waitedFor(), []);
  });
}

test('a stage whose engine came back needs no network', async (t) => {
  const host = await staged(t, APP);
  await host.stage('os');
  await host.server.close();
  host.be(APP, undefined);
  assert.deepEqual(await host.findings('os'), [`not-unpacked ${APP}`, `not-unpacked ${APP}`]);
  assert.deepEqual((await host.stage('os')).findings, []);
  assert.deepEqual(await imagesOn(host, APP), [2]);
});

test('what waits, by the engines that are looked at', async (t) => {
  const host = await staged(t, APP);
  await host.stage('os');
  const waitsAt = async (...engines: readonly EngineId[]) => {
    const looked = engines.length === 0 ? { root: 'os' } : { exactly: new Set(engines) };
    const situation = await readSituation(host.context(), looked);
    return waitingContents(host.record('os'), situation) !== undefined;
  };
  assert.equal(await waitsAt(), false, 'it waits for an engine that can’t take it yet');
  host.be(APP, undefined);
  assert.equal(await waitsAt(), true);
  assert.equal(await waitsAt(APP), true, 'other engines are not looked at');
  assert.equal(await waitsAt('podman'), false, 'nothing waits for this one');
  const engine = host.engine(BEN);
  await engine.unpin(await engine.pins());
  assert.equal(await waitsAt(BEN), false);
  assert.equal(await waitsAt(), false, 'an image is neither pinned nor waits');
  assert.equal(await waitsAt(APP), true);
});

test('an image of a user whose UID the root changes waits, although the user of this system has it', async (t) => {
  const host = await startEngines(t);
  host.server.push('web:1', image(1));
  host.tree('os', { 'web:1': [APP] });
  await host.stage('os');
  host.tree('os', { 'web:1': [APP] }, { app: 1005, ben: 1002 });
  assert.deepEqual((await host.stage('os')).findings, []);
  assert.deepEqual(await host.findings('os'), []);
  assert.equal((await host.stage('os')).changed, false, 'it still waits');
  const none = { deployments: [], failures: [] };
  const [root] = statusOf(await readSituation(host.context(), { root: 'os' }), none);
  assert.deepEqual(
    root?.images.map(({ state }) => state),
    ['waiting'],
  );
});
