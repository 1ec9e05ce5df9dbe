import assert from 'node:assert/strict';
import test from 'node:test';
import { prunable, prune } from '../../../src/lifecycle/prune.ts';
import { recoverSituation } from '../../../src/lifecycle/situation.ts';
import { placeOf } from '../../../src/state/record.ts';
import { buildImage } from '../../support/image-builder.ts';
import { APP, type ManyEngines, startEngines } from '../../support/many-engines.ts';

const image = (seed: number) => buildImage({ layers: [{ bytes: 10_000, seed }] });

/** The names on a root's record, each after its engine. */
function recorded(host: ManyEngines, id: string): readonly string[] {
  const { staged } = host.record(id);
  const places = (staged?.images ?? []).flatMap(({ engine, names }) =>
    names.map(({ name }) => `${engine} ${name.replace(/^.*\//, '')}`),
  );
  return places.sort();
}

/** A host with images for the system and for a user. */
async function start(t: test.TestContext) {
  const host = await startEngines(t);
  for (const [i, name] of ['web:1', 'api:1', 'own:1', 'old:1'].entries()) {
    host.server.push(name, image(i + 1));
  }
  return host;
}

test('a stage for one engine keeps what the record has for others, and a stage for all does too', async (t) => {
  const host = await start(t);
  host.tree('os', { 'web:1': ['podman'], 'own:1': [APP] });
  assert.deepEqual((await host.stage('os')).findings, []);
  host.tree('os', { 'api:1': ['podman'], 'own:1': [APP] });
  host.opened.length = 0;
  const narrowed = await host.stage('os', { only: 'podman' });
  assert.deepEqual(narrowed.findings, []);
  assert.ok(!host.opened.includes(APP), 'the user’s podman is not looked at');
  assert.deepEqual(narrowed.plan.drops.map(placeOf), [placeOf(dropped(narrowed))]);
  assert.deepEqual(recorded(host, 'os'), ['podman api:1', `${APP} own:1`]);
  assert.deepEqual(host.record('os').staged?.users, { app: 1001 }, 'its UID is still noted');
  assert.equal(host.record('os').staged?.leftOut, undefined, 'nothing is missing on the user’s');
  assert.deepEqual(await host.findings('os'), []);
  assert.equal((await host.stage('os', { only: 'podman' })).changed, false);
  assert.equal((await host.stage('os')).changed, false);
});

function dropped({ plan }: Awaited<ReturnType<ManyEngines['stage']>>) {
  const [image, ...more] = plan.drops;
  assert.ok(image !== undefined && more.length === 0);
  assert.equal(image.engine, 'podman');
  return image;
}

test('what a stage for one engine lacks on others is noted, and the next stage for all brings it', async (t) => {
  const host = await start(t);
  host.tree('os', { 'web:1': ['podman'], 'own:1': [APP], 'old:1': [APP] });
  assert.deepEqual((await host.stage('os', { only: 'podman' })).findings, []);
  assert.deepEqual(host.record('os').staged?.leftOut, [APP]);
  assert.deepEqual(await host.findings('os', 'podman'), []);
  assert.deepEqual(await host.findings('os'), [`engine-left-out ${APP}`]);
  const whole = await host.stage('os');
  assert.deepEqual([whole.changed, whole.findings], [true, []]);
  assert.equal(host.record('os').staged?.leftOut, undefined);
  assert.deepEqual(await host.findings('os'), []);
});

test('an image that others don’t want any more is dropped by a stage for one engine, unpinned by one for all', async (t) => {
  const host = await start(t);
  host.tree('os', { 'web:1': ['podman'], 'own:1': [APP], 'old:1': [APP] });
  await host.stage('os');
  host.tree('os', { 'web:1': ['podman'], 'own:1': [APP] });
  const { plan } = await host.stage('os', { only: 'podman' });
  assert.deepEqual(recorded(host, 'os'), ['podman web:1', `${APP} own:1`]);
  assert.deepEqual(
    plan.drops.map(({ engine, names }) => `${engine} ${names[0]?.name}`),
    [`${APP} ${host.fullName('old:1')}`],
    'the plan says what the record loses',
  );
  assert.equal((await host.engine(APP).pins()).length, 2, 'the engine was not looked at');
  assert.equal((await host.stage('os')).changed, true);
  assert.equal((await host.engine(APP).pins()).length, 1);
  const context = host.context();
  const entries = prunable(await recoverSituation(context));
  const { removed } = await prune(context, entries);
  assert.deepEqual(
    removed.map(({ names }) => names),
    [[host.fullName('old:1')]],
  );
  assert.equal((await host.engine(APP).images()).length, 1);
});

test('an engine that nothing of the root needs any more loses its images, even in a stage for another', async (t) => {
  const host = await start(t);
  host.tree('os', { 'web:1': ['podman'], 'own:1': [APP] });
  await host.stage('os');
  host.tree('os', { 'web:1': ['podman'] });
  await host.stage('os', { only: 'podman' });
  assert.deepEqual(recorded(host, 'os'), ['podman web:1']);
  await host.stage('os');
  assert.deepEqual(await host.engine(APP).pins(), []);
});
