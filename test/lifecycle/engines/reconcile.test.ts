import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { EngineId } from '../../../src/common/engine-id.ts';
import type { Role } from '../../../src/deployment/deployment.ts';
import { runningSystem } from '../../../src/deployment/places.ts';
import { EngineError } from '../../../src/engine/errors.ts';
import { gate } from '../../../src/lifecycle/boot/gate.ts';
import { type Reconciled, reconcile } from '../../../src/lifecycle/reconcile.ts';
import { openRoot } from '../../../src/root/open-root.ts';
import { buildImage } from '../../support/image-builder.ts';
import {
  APP,
  atBoot,
  BEN,
  type ManyEngines,
  never,
  startEngines,
} from '../../support/many-engines.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

const image = (seed: number) => buildImage({ layers: [{ bytes: 10_000, seed }] });

async function start(t: test.TestContext): Promise<ManyEngines> {
  const host = await startEngines(t);
  for (const [i, name] of ['web:1', 'own:1', 'dock:1'].entries()) {
    host.server.push(name, image(i + 1));
  }
  return host;
}

/** Reconciles roots that an updater has, by their roles. */
function reconciling(
  host: ManyEngines,
  roots: Readonly<Record<string, { readonly role: Role; readonly location: string }>>,
): Promise<Reconciled> {
  const deployments = Object.entries(roots).map(([id, { role, location }]) => ({
    id,
    updater: 'directories' as const,
    role,
    pinned: false,
    location,
    open: async () => openRoot(location),
  }));
  const options = { compose: [], heldDays: 7 };
  return reconcile(host.context(), host.registry, { deployments, failures: [] }, options);
}

/** The state of each root in short. */
function summary({ roots }: Reconciled): readonly string[] {
  return roots.map(({ id, changed, ready, findings, failures }) =>
    [
      id,
      changed ? 'changed' : 'same',
      ready ? 'ready' : 'unready',
      ...findings.map(({ code, engine }) => `${code} ${engine}`),
      ...failures.map(({ error }) => error.code),
    ].join(' '),
  );
}

test('reconcile stages roots on all their engines, and a second run asks nobody', async (t) => {
  const host = await start(t);
  host.be('docker', never);
  const roots = {
    now: {
      role: 'booted' as const,
      location: host.tree('now', { 'web:1': ['podman'], 'own:1': [APP] }),
    },
    next: {
      role: 'staged' as const,
      location: host.tree('next', { 'web:1': ['podman', BEN], 'dock:1': ['docker'] }),
    },
  };
  assert.deepEqual(summary(await reconciling(host, roots)), [
    'now changed ready',
    'next changed unready waits-for-engine docker',
  ]);
  host.server.requests.length = 0;
  host.opened.length = 0;
  assert.deepEqual(summary(await reconciling(host, roots)), [
    'now same ready',
    'next same unready waits-for-engine docker',
  ]);
  assert.deepEqual(host.server.requests, [], 'no registry');
  const opened = Map.groupBy(host.opened, (id) => id);
  for (const [id, times] of opened) assert.ok(times.length <= 2, `${id}: ${times.length} looks`);
  assert.deepEqual(new Set(opened.keys()), new Set<EngineId>(['podman', APP, BEN, 'docker']));
});

test('reconcile brings what one user has lost, and touches no other engine', async (t) => {
  const host = await start(t);
  const location = host.tree('now', { 'web:1': ['podman', APP, BEN] });
  const roots = { now: { role: 'booted' as const, location } };
  await reconciling(host, roots);
  const engine = host.engine(APP);
  await engine.unpin(await engine.pins());
  const [lost] = await engine.images();
  assert.ok(lost !== undefined && (await engine.remove(lost.id)));
  const refuse = () => ({ fetch: () => assert.fail('nothing is missing here') });
  host.change('podman', refuse);
  host.change(BEN, refuse);
  assert.deepEqual(summary(await reconciling(host, roots)), ['now changed ready']);
  assert.deepEqual(await host.findings('now'), []);
});

test('a root that is gone is released on all its engines', async (t) => {
  const host = await start(t);
  const now = { role: 'booted' as const, location: host.tree('now', { 'web:1': ['podman'] }) };
  const old = { role: 'other' as const, location: host.tree('old', { 'own:1': ['podman', APP] }) };
  await reconciling(host, { now, old });
  const { released } = await reconciling(host, { now });
  assert.deepEqual(
    released.map(({ id, pins, images }) => [id, pins, images]),
    [['old', 2, 2]],
  );
  assert.deepEqual(await host.engine(APP).pins(), []);
});

test('a user’s podman that is away does not keep reconcile from the others', async (t) => {
  const host = await start(t);
  const location = host.tree('now', { 'web:1': ['podman', APP, BEN] });
  const roots = { now: { role: 'booted' as const, location } };
  await reconciling(host, roots);
  host.be(APP, atBoot);
  const [first = ''] = summary(await reconciling(host, roots));
  assert.match(first, /^now \w+ unready (engine-absent|waits-for-engine) podman:app$/);
  assert.equal((await host.engine(BEN).images()).length, 1);
  host.be(APP, undefined);
  assert.match(summary(await reconciling(host, roots))[0] ?? '', /^now \w+ ready$/);
  assert.match(summary(await reconciling(host, roots))[0] ?? '', /^now same ready$/);
});

/** What the gate says of the root `b`, which ostree has queued. */
async function gated(t: test.TestContext, host: ManyEngines) {
  const run = temporaryDirectory(t);
  mkdirSync(join(run, 'ostree'));
  writeFileSync(join(run, 'ostree/staged-deployment'), '');
  const options = { days: 7, afterwards: 'boot' } as const;
  const result = await gate(host.context(), { id: 'b' }, { ...runningSystem, run }, options);
  const isLocked = existsSync(join(run, 'ostree/staged-deployment-locked'));
  assert.equal(isLocked, result.decision === 'held');
  return [result.decision, ...result.findings.map(({ code, engine }) => `${code} ${engine}`)];
}

test('a root is not held for an image that a user has taken out of the own podman', async (t) => {
  const host = await start(t);
  host.tree('b', { 'web:1': ['podman', APP] });
  await host.stage('b');
  assert.deepEqual(await gated(t, host), ['open']);
  const engine = host.engine(APP);
  await engine.unpin(await engine.pins());
  assert.deepEqual(await gated(t, host), ['open'], 'the boot makes pins again');
  await engine.remove((await engine.images())[0]?.id ?? '');
  assert.deepEqual(await gated(t, host), ['open', `image-missing ${APP}`]);
});

test('a root is held for an image that never came into a user’s podman', async (t) => {
  const host = await start(t);
  host.tree('b', { 'web:1': ['podman', APP] });
  const fail = async () => Promise.reject(new EngineError('engine-failed', 'no', { hint: 'h' }));
  host.change(APP, () => ({ fetch: fail }));
  await host.stage('b');
  host.change(APP, () => ({}));
  const engine = host.engine(APP);
  await engine.depot?.drop(engine.depot.pins());
  assert.deepEqual(await gated(t, host), ['held', `image-missing ${APP}`]);
});

test('a root is not held for an engine that can’t be looked at', async (t) => {
  const host = await start(t);
  host.tree('b', { 'web:1': ['podman', APP] });
  await host.stage('b');
  host.be(APP, atBoot);
  assert.deepEqual(await gated(t, host), ['unknown', `engine-absent ${APP}`]);
});

test('a root is held for a missing image, even beside an engine that can’t be looked at', async (t) => {
  const host = await start(t);
  host.tree('b', { 'web:1': ['podman', APP] });
  await host.stage('b');
  host.be(APP, atBoot);
  const engine = host.engine('podman');
  await engine.unpin(await engine.pins());
  await engine.remove((await engine.images())[0]?.id ?? '');
  assert.deepEqual(await gated(t, host), ['held', 'image-missing podman']);
});

test('images that wait, or were left out, and a root that binds nothing hold no root', async (t) => {
  const host = await start(t);
  host.be('docker', never);
  host.be(APP, atBoot);
  host.tree('b', { 'web:1': ['podman', 'docker', APP], 'own:1': [APP] });
  await host.stage('b');
  assert.deepEqual(await host.findings('b'), ['waits-for-engine docker']);
  assert.deepEqual(await gated(t, host), ['open']);
  await host.stage('b', { only: 'podman' });
  host.tree('b', { 'web:1': ['podman'], 'own:1': [BEN] });
  await host.stage('b', { only: 'podman' });
  assert.deepEqual(await host.findings('b'), [`engine-left-out ${BEN}`]);
  assert.deepEqual(await gated(t, host), ['unknown', `engine-left-out ${BEN}`]);
  const record = host.record('b');
  assert.ok(record.staged);
  const { leftOut: _leftOut, ...staged } = record.staged;
  host.state.write({ ...record, staged: { ...staged, images: [], unbound: 3 } });
  assert.deepEqual(await host.findings('b'), ['nothing-bound']);
  assert.deepEqual(await gated(t, host), ['open']);
});
