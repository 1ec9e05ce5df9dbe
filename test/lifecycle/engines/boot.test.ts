import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import type { EngineId } from '../../../src/common/engine-id.ts';
import { withLock } from '../../../src/common/process-lock.ts';
import { hasDrifted } from '../../../src/lifecycle/drift.ts';
import { readSituation } from '../../../src/lifecycle/situation.ts';
import { buildImage } from '../../support/image-builder.ts';
import {
  APP,
  atBoot,
  BEN,
  type ManyEngines,
  never,
  startEngines,
} from '../../support/many-engines.ts';

const image = (seed: number) => buildImage({ layers: [{ bytes: 10_000, seed }] });

type Whose = 'system' | 'users' | undefined;

/** A host that runs the root `a`, and on which `b` is staged with other meanings of the same name. */
async function upgraded(
  t: test.TestContext,
  ...engines: readonly EngineId[]
): Promise<ManyEngines> {
  const host = await startEngines(t);
  const on = engines.length === 0 ? (['podman', APP] as const) : engines;
  host.server.push('web:1', image(1));
  host.tree('a', { 'web:1': on });
  await host.stage('a');
  await host.activate('a');
  host.server.push('web:1', image(2));
  host.tree('b', { 'web:1': on });
  assert.deepEqual((await host.stage('b')).findings, []);
  await host.server.close();
  return host;
}

/** Whether the name means the image of a root, on the system's podman and the user's. */
async function meanings(host: ManyEngines, root: string): Promise<readonly boolean[]> {
  const wanted = host.record(root).staged?.images ?? [];
  const means = async ({ engine, id }: (typeof wanted)[number]) =>
    (await host.meaning(engine, 'web:1')) === id;
  return Promise.all(
    ['podman', APP].map((id) =>
      means(wanted.find(({ engine }) => engine === id) ?? assert.fail(id)),
    ),
  );
}

const orders: readonly (readonly [what: string, boots: readonly Whose[]])[] = [
  ['the system’s engines first', ['system', 'users']],
  ['users’ engines first', ['users', 'system']],
  ['all in one run', [undefined]],
];

for (const [what, boots] of orders) {
  test(`a boot moves names on all engines: ${what}`, async (t) => {
    const host = await upgraded(t);
    assert.deepEqual(await meanings(host, 'a'), [true, true], 'the next root is only staged');
    const [first, ...more] = boots;
    const { switched } = await host.activate('b', first);
    assert.equal(switched, true);
    if (first !== undefined) {
      const rest = first === 'system' ? APP : 'podman';
      assert.deepEqual(host.state.activation.read()?.pending, [rest]);
      assert.deepEqual(await meanings(host, 'b'), [rest === APP, rest === 'podman']);
    }
    for (const whose of more) {
      const { moved, drifted } = await host.activate('b', whose);
      assert.deepEqual([moved, drifted], [[host.fullName('web:1')], []]);
    }
    const { root, pending } = host.state.activation.read() ?? {};
    assert.deepEqual([root, pending], ['b', undefined]);
    assert.deepEqual(await meanings(host, 'b'), [true, true]);
    assert.deepEqual(await host.findings('b'), []);
  });

  test(`a second boot of the same root does nothing: ${what}`, async (t) => {
    const host = await upgraded(t);
    for (const whose of boots) await host.activate('b', whose);
    host.opened.length = 0;
    for (const whose of boots) {
      const { switched, moved, pins } = await host.activate('b', whose);
      assert.deepEqual([switched, moved, pins], [false, [], 0]);
    }
    assert.ok(!host.opened.includes(APP), 'no user’s podman is opened');
  });
}

test('a name that somebody moved is drift only after its engine was activated for the root', async (t) => {
  const host = await upgraded(t);
  const older = host.record('a').staged?.images.find(({ engine }) => engine === APP)?.id ?? '';
  await host.activate('b', 'system');
  const first = await host.activate('b', 'users');
  assert.deepEqual([first.drifted.length, first.moved.length], [0, 1], 'the name of another root');
  await host.engine(APP).tag(older, host.fullName('web:1'));
  await host.activate('b', 'users');
  assert.equal(await host.meaning(APP, 'web:1'), older, 'a person moved it, and it stays');
});

test('a user who is not reached at the boot gets names at the next', async (t) => {
  const host = await upgraded(t);
  host.be(APP, atBoot);
  await host.activate('b', 'system');
  await host.activate('b', 'users');
  assert.deepEqual(host.state.activation.read()?.pending, [APP]);
  assert.deepEqual(await meanings(host, 'b'), [true, false]);
  host.be(APP, undefined);
  const { moved } = await host.activate('b', 'users');
  assert.equal(moved.length, 1);
  assert.equal(host.state.activation.read()?.pending, undefined);
  assert.deepEqual(await meanings(host, 'b'), [true, true]);
});

test('a boot back into the former root moves the names back, on all engines', async (t) => {
  const host = await upgraded(t);
  for (const whose of ['users', 'system'] as const) await host.activate('b', whose);
  for (const whose of ['system', 'users'] as const) await host.activate('a', whose);
  assert.deepEqual(await meanings(host, 'a'), [true, true]);
});

test('pins that a user lost are made again by the boot', async (t) => {
  const host = await upgraded(t);
  const engine = host.engine(APP);
  await engine.unpin(await engine.pins());
  assert.deepEqual(await host.findings('b'), [`pin-missing ${APP}`]);
  await host.activate('b', 'system');
  const { pins } = await host.activate('b', 'users');
  assert.equal(pins, 2, 'those of both roots');
  assert.deepEqual(await host.findings('b'), []);
});

test('one user who fails at the boot keeps no other engine from its names', async (t) => {
  const host = await startEngines(t);
  host.server.push('web:1', image(1));
  host.tree('a', { 'web:1': ['podman', APP, BEN] });
  await host.stage('a');
  await host.activate('a');
  host.server.push('web:1', image(2));
  host.tree('b', { 'web:1': ['podman', APP, BEN] });
  await host.stage('b');
  host.be(APP, atBoot);
  await host.activate('b');
  const [app, ben] = await Promise.all([host.meaning(APP, 'web:1'), host.meaning(BEN, 'web:1')]);
  assert.notEqual(ben, undefined);
  assert.notEqual(app, ben);
  assert.deepEqual(host.state.activation.read()?.pending, [APP]);
});

test('images that wait for an engine which never takes them leave the boot as it is', async (t) => {
  const host = await startEngines(t);
  host.be('docker', never);
  host.server.push('web:1', image(1));
  host.tree('a', { 'web:1': ['podman', 'docker'] });
  await host.stage('a');
  const { findings } = await host.activate('a');
  assert.deepEqual(
    findings.map(({ code, engine }) => [code, engine]),
    [['waits-for-engine', 'docker']],
  );
  assert.notEqual(await host.meaning('podman', 'web:1'), undefined);
});

test('a name that somebody moves on one engine has drifted there alone, and once', async (t) => {
  const host = await upgraded(t);
  await host.activate('b');
  const [image] = host.record('a').staged?.images ?? [];
  assert.ok(image !== undefined);
  await host.engine('podman').tag(image.id, host.fullName('web:1'));
  const { drifted } = await host.activate('b');
  assert.deepEqual(
    drifted.map(({ name }) => name),
    [host.fullName('web:1')],
  );
  const { drift = [] } = host.record('b');
  assert.deepEqual(
    drift.map(({ engine, names }) => [engine, names.length]),
    [['podman', 1]],
  );
  const situation = await readSituation(host.context());
  assert.equal(hasDrifted(host.record('b'), situation, new Set()), false, 'it is recorded already');
});

/** A host that runs the root `a`, which has an image of two names on docker, and was booted before. */
async function onDocker(t: test.TestContext): Promise<ManyEngines> {
  const host = await startEngines(t);
  host.server.push('web:1', image(1));
  host.server.push('web:also', image(1));
  host.tree('a', { 'web:1': ['docker'], 'web:also': ['docker'] });
  await host.stage('a');
  await host.boot('a', 'system');
  await host.boot('a', 'docker');
  await host.server.close();
  return host;
}

test('what docker has lost comes back when it starts, at a boot of the same root too', async (t) => {
  const host = await onDocker(t);
  const docker = host.engine('docker');
  const name = host.fullName('web:also');
  let isNamed = false;
  host.change('docker', (engine) => ({
    images: async () =>
      (await engine.images()).map((one) => ({
        ...one,
        names: one.names.filter((other) => isNamed || other !== name),
      })),
    tag: async (id, tag) => {
      isNamed ||= tag === name;
      await engine.tag(id, tag);
    },
  }));
  await docker.unpin(await docker.pins());
  const { switched, moved, pins, findings } = await host.boot('a', 'docker');
  assert.deepEqual([switched, moved, pins, findings], [false, [name], 1, []]);
  assert.ok(isNamed);
});

test('a name that somebody moved on docker is drift when docker starts', async (t) => {
  const host = await upgraded(t, 'docker');
  await host.boot('a', 'docker');
  const [next] = host.record('b').staged?.images ?? [];
  assert.ok(next);
  await host.engine('docker').tag(next.id, host.fullName('web:1'));
  const { drifted, moved } = await host.boot('a', 'docker');
  assert.deepEqual([drifted.map(({ id }) => id), moved], [[next.id], []]);
  assert.equal(host.record('a').drift?.[0]?.id, next.id);
});

test('a start of docker after which nothing is lost waits for no lock', async (t) => {
  const host = await onDocker(t);
  const lock = join(host.state.directory, 'lock');
  const { moved, pins, findings } = await withLock(lock, 'exclusive', () =>
    host.boot('a', 'docker'),
  );
  assert.deepEqual([moved, pins, findings], [[], 0, []]);
});

test('a start of docker after which an image is lost says so', async (t) => {
  const host = await onDocker(t);
  const docker = host.engine('docker');
  await docker.unpin(await docker.pins());
  for (const { id } of await docker.images()) await docker.remove(id);
  const { findings } = await host.boot('a', 'docker');
  assert.deepEqual(
    findings.map(({ code }) => code),
    ['image-missing'],
  );
});
