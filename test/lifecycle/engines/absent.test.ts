import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { prunable, prune } from '../../../src/lifecycle/prune.ts';
import { release } from '../../../src/lifecycle/release.ts';
import { recoverSituation } from '../../../src/lifecycle/situation.ts';
import { buildImage } from '../../support/image-builder.ts';
import { APP, atBoot, type ManyEngines, never, startEngines } from '../../support/many-engines.ts';

const image = (seed: number) => buildImage({ layers: [{ bytes: 10_000, seed }] });

/** A host on which the root `os` is to be staged for the system and a user. */
async function start(t: test.TestContext): Promise<ManyEngines> {
  const host = await startEngines(t);
  host.server.push('web:1', image(1));
  host.server.push('own:1', image(2));
  host.tree('os', { 'web:1': ['podman'], 'own:1': [APP] });
  return host;
}

async function pruned(host: ManyEngines) {
  const context = host.context();
  return prune(context, prunable(await recoverSituation(context)));
}

test('a root that is released while its images wait for an absent engine leaves nothing behind', async (t) => {
  const host = await start(t);
  host.be(APP, atBoot);
  await host.stage('os');
  assert.deepEqual(await host.context().engines.waitedFor(), [APP]);
  const { images } = await release(host.context(), 'os');
  assert.equal(images, 1, 'that of the system alone: the other only waited');
  assert.deepEqual(await host.context().engines.waitedFor(), []);
  const { removed } = await pruned(host);
  assert.deepEqual(
    removed.map(({ engine }) => engine),
    ['podman'],
  );
  assert.equal(host.state.record('os'), undefined);
});

test('images inside an engine that is away when their root is released go when it is back', async (t) => {
  const host = await start(t);
  await host.stage('os');
  host.be(APP, atBoot);
  assert.deepEqual(await host.findings('os'), [`engine-absent ${APP}`]);
  await release(host.context(), 'os');
  await pruned(host);
  assert.equal((await host.engine('podman').images()).length, 0);
  assert.equal((await host.engine(APP).pins()).length, 1, 'nobody could drop it');
  assert.deepEqual(
    host.record('os').released.map(({ engine }) => engine),
    [APP],
    'the record still knows of it',
  );
  host.be(APP, undefined);
  const { removed } = await pruned(host);
  assert.deepEqual(
    removed.map(({ engine, names }) => [engine, names]),
    [[APP, [host.fullName('own:1')]]],
  );
  assert.deepEqual(await host.engine(APP).pins(), []);
  assert.deepEqual(await host.engine(APP).images(), []);
  assert.equal(host.state.record('os'), undefined);
});

test('a root that comes back after its release gets its pins again, and prune leaves them', async (t) => {
  const host = await start(t);
  await host.stage('os');
  host.be(APP, atBoot);
  await release(host.context(), 'os');
  host.be(APP, undefined);
  assert.deepEqual((await host.stage('os')).findings, []);
  assert.deepEqual((await pruned(host)).removed, []);
  assert.deepEqual(await host.findings('os'), []);
});

test('a user whom the root gives another UID gets images at the boot alone', async (t) => {
  const host = await start(t);
  host.tree('os', { 'web:1': ['podman'], 'own:1': [APP] }, { app: 2001 });
  assert.deepEqual((await host.stage('os')).findings, [], 'they wait');
  assert.deepEqual(await host.engine(APP).images(), [], 'this user could not use them there');
  assert.deepEqual(await host.context().engines.waitedFor(), [APP]);
  assert.deepEqual(await host.findings('os'), []);
  assert.equal((await host.stage('os')).changed, false);
});

test('two roots give one user other UIDs: the one with that of this host comes at once, the other waits', async (t) => {
  const host = await start(t);
  host.tree('here', { 'own:1': [APP] });
  host.tree('next', { 'own:1': [APP] }, { app: 2001 });
  for (const id of ['here', 'next', 'here', 'next']) {
    assert.deepEqual((await host.stage(id)).findings, [], id);
  }
  assert.equal((await host.engine(APP).images()).length, 1);
  const roots = (await host.engine(APP).pins()).map(({ root }) => root);
  assert.deepEqual(roots, ['here'], 'the image is pinned for the root whose user this is');
  assert.deepEqual(await host.context().engines.waitedFor(), [APP], 'and held for the other');
  assert.deepEqual([await host.findings('here'), await host.findings('next')], [[], []]);
});

test('docker, to which berth hands nothing, never makes a root ready', async (t) => {
  const host = await start(t);
  host.be('docker', never);
  host.tree('os', { 'web:1': ['podman', 'docker'] });
  const { findings, failures } = await host.stage('os');
  assert.deepEqual(failures, []);
  assert.deepEqual(
    findings.map(({ code, engine }) => [code, engine]),
    [['waits-for-engine', 'docker']],
  );
  assert.equal((await host.stage('os')).changed, false, 'there is nothing left to do');
  assert.deepEqual(await host.findings('os', 'podman'), []);
});

test('an engine that fails in the middle fails the stage, and keeps the earlier record', async (t) => {
  const host = await start(t);
  await host.stage('os');
  const before = host.record('os').staged;
  host.tree('os', { 'web:1': ['podman'], 'own:1': ['podman', APP] });
  host.change('podman', () => ({ pin: () => Promise.reject(new Error('a bug')) }));
  await assert.rejects(host.stage('os'), /a bug/);
  assert.deepEqual(host.record('os').staged, before);
  host.change('podman', () => ({}));
  assert.deepEqual((await host.stage('os')).findings, []);
});

/** The mark of a boot that has to wait for users' podmans. */
function isMarked({ state }: ManyEngines): boolean {
  try {
    return readFileSync(`${state.directory}/activate-users`, 'utf8') === '';
  } catch {
    return false;
  }
}

test('boots wait for users’ podmans as long as a living root needs one', async (t) => {
  const host = await start(t);
  assert.equal(isMarked(host), false);
  host.tree('plain', { 'web:1': ['podman'] });
  await host.stage('plain');
  assert.equal(isMarked(host), false);
  await host.stage('os', { only: 'podman' });
  assert.equal(isMarked(host), true, 'it was left out, and the root needs it');
  await host.stage('os');
  assert.equal(isMarked(host), true);
  host.tree('other', { 'own:1': [APP] });
  await host.stage('other');
  await release(host.context(), 'os');
  assert.equal(isMarked(host), true, 'another root has images of a user');
  host.tree('other', { 'web:1': ['podman'] });
  await host.stage('other');
  assert.equal(isMarked(host), false);
});
