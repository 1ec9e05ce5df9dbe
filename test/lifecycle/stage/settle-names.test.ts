import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { wantedOf } from '../../../src/binding/wanted.ts';
import { BerthError } from '../../../src/common/errors.ts';
import type { Role } from '../../../src/deployment/deployment.ts';
import { readingFor } from '../../../src/lifecycle/context.ts';
import { planStage } from '../../../src/lifecycle/plan/plan.ts';
import { release } from '../../../src/lifecycle/release.ts';
import { stage } from '../../../src/lifecycle/stage/stage.ts';
import { openRoot } from '../../../src/root/open-root.ts';
import { buildImage } from '../../support/image-builder.ts';
import { client } from '../../support/registry-client.ts';
import { startUpdater, type TestUpdater } from '../../support/updater.ts';

const image = (seed: number) => buildImage({ layers: [{ bytes: 20_000, seed }] });
const newer = 'Pull=newer\n';

/** a runs with one image, and b, queued or behind it, may mean another by the same name. */
async function running(t: TestContext, other?: Role): Promise<TestUpdater> {
  const host = await startUpdater(t);
  host.server.push('web:latest', image(1));
  host.deploy('a', { 'web:latest': newer }, 'booted');
  if (other !== undefined) host.deploy('b', { 'web:latest': newer }, other);
  await host.reconcile();
  await host.activate('a');
  return host;
}

async function upgrade(t: TestContext) {
  const host = await running(t);
  host.server.push('web:latest', image(2));
  host.deploy('b', { 'web:latest': newer }, 'staged');
  await host.reconcile();
  return { host, old: recorded(host, 'a'), next: recorded(host, 'b') };
}

function recorded(host: TestUpdater, root: string, name = 'web:latest'): string {
  const id = host.recorded(root, name);
  assert.ok(id !== undefined);
  return id;
}

/** Somebody pulls what the name means by now; it stays an image of a root of its own. */
async function moveByHand(host: TestUpdater, seed = 7): Promise<string> {
  host.server.push('side:1', image(seed));
  host.deploy('side', { 'side:1': '' }, 'other');
  await host.reconcile();
  const id = recorded(host, 'side', 'side:1');
  await host.engine.tag(id, host.fullName('web:latest'));
  return id;
}

async function stageAnew(t: TestContext, host: TestUpdater, id: string, role: Role) {
  const location = host.record(id)?.location ?? '';
  const root = openRoot(location);
  t.after(() => root.close());
  const wanted = await wantedOf(root, {
    ...readingFor(host.context),
    bind: undefined,
    compose: [],
  });
  const target = { id, location, deployment: { updater: 'directories' as const, role } };
  const registry = client(t, [host.server]);
  return stage(host.context, {
    id: () => id,
    engines: new Set(),
    plan: (situation) => planStage(host.context, registry, situation, target, wanted),
  });
}

test('a name that was moved by hand a moment ago is not moved back by a release', async (t) => {
  const { host } = await upgrade(t);
  const moved = await moveByHand(host);
  await release(host.context, 'b');
  assert.equal(await host.meaning('web:latest'), moved);
});

test('nor by a stage of another root', async (t) => {
  const host = await running(t, 'staged');
  const moved = await moveByHand(host);
  await stageAnew(t, host, 'b', 'staged');
  assert.equal(await host.meaning('web:latest'), moved);
});

test('nor by a release of the very root whose image it means', async (t) => {
  const host = await running(t, 'rollback');
  const moved = await moveByHand(host);
  await release(host.context, 'side');
  assert.equal(await host.meaning('web:latest'), moved);
});

test('drift that is on record is not undone by a stage that fails', async (t) => {
  const host = await running(t, 'rollback');
  const moved = await moveByHand(host);
  host.undeploy('side');
  await host.reconcile();
  host.server.push('web:latest', image(7));
  host.deploy('a', { 'web:latest': newer, 'nowhere:1': '' }, 'booted');
  const staged = await stageAnew(t, host, 'a', 'booted');
  assert.equal(staged.plan.failures.length, 1);
  await release(host.context, 'b');
  assert.equal(await host.meaning('web:latest'), moved);
});

for (const [how, forget] of [
  ['missing', (path: string) => rmSync(path)],
  ['damaged', (path: string) => writeFileSync(path, '{')],
] as const) {
  test(`drift survives an activation whose file is ${how}`, async (t) => {
    const host = await running(t);
    const moved = await moveByHand(host);
    host.undeploy('side');
    await host.reconcile();
    forget(join(host.context.state.directory, 'activation.json'));
    await host.activate('a');
    assert.equal(await host.meaning('web:latest'), moved);
    assert.equal(host.record('a')?.drift?.[0]?.id, moved);
  });
}

test('the running root staged anew by hand takes effect at once', async (t) => {
  const { host, next } = await upgrade(t);
  host.server.push('web:latest', image(3));
  const staged = await stageAnew(t, host, 'a', 'booted');
  assert.deepEqual(staged.findings, []);
  const fresh = recorded(host, 'a');
  assert.notEqual(fresh, next);
  assert.equal(await host.meaning('web:latest'), fresh);
  await host.activate('a');
  assert.equal(await host.meaning('web:latest'), fresh);
});

test('a name that is lost while two roots differ on it is the running one’s again', async (t) => {
  const { host, old } = await upgrade(t);
  rmSync(join(host.context.state.directory, '../store'), { recursive: true });
  await host.reconcile();
  const again = await host.reconcile();
  assert.equal(await host.meaning('web:latest'), old);
  assert.ok(again.roots.every(({ ready, changed }) => ready && !changed));
});

test('a name on which roots that do not run differ settles', async (t) => {
  const host = await startUpdater(t);
  host.server.push('other:1', image(9));
  host.server.push('web:latest', image(1));
  host.deploy('z', { 'other:1': '' }, 'booted');
  host.deploy('a', { 'web:latest': newer }, 'rollback');
  await host.reconcile();
  host.server.push('web:latest', image(2));
  host.deploy('b', { 'web:latest': newer }, 'staged');
  await host.reconcile();
  await moveByHand(host);
  host.undeploy('side');
  await host.reconcile();
  const again = await host.reconcile();
  assert.ok(again.roots.every(({ ready, changed }) => ready && !changed));
});

test('a pin of drift that is lost is made again', async (t) => {
  const host = await running(t);
  const moved = await moveByHand(host);
  host.undeploy('side');
  await host.reconcile();
  const pinsOfDrift = async () =>
    (await host.engine.pins()).filter(({ root, id }) => root === 'a' && id === moved);
  await host.engine.unpin(await pinsOfDrift());
  await host.reconcile();
  assert.equal((await pinsOfDrift()).length, 1);
});

/** a is staged anew with a newer image and one that can't be had: that stage stays pending. */
async function pending(t: TestContext) {
  const host = await running(t);
  const old = recorded(host, 'a');
  host.server.push('web:latest', image(2));
  host.deploy('a', { 'web:latest': newer, 'gone:1': '' }, 'booted');
  await stageAnew(t, host, 'a', 'booted');
  const next = host.record('a')?.pending?.images.find(({ id }) => id !== old)?.id;
  assert.ok(next !== undefined);
  const pins = async () =>
    (await host.engine.pins()).filter(({ root, id }) => root === 'a' && id === next);
  return { host, old, next, pins };
}

test('drift to an image of a pending stage forgets not that berth fetched it', async (t) => {
  const { host, next, pins } = await pending(t);
  await host.engine.tag(next, host.fullName('web:latest'));
  await host.activate('a');
  assert.ok((await pins()).some(({ fetched }) => fetched));
});

test('drift that ends takes no pin of a pending stage', async (t) => {
  const { host, old, next, pins } = await pending(t);
  await host.engine.tag(next, host.fullName('web:latest'));
  await host.activate('a');
  await host.engine.tag(old, host.fullName('web:latest'));
  await host.activate('a');
  assert.equal((await pins()).length, 1);
});

test('pins of a pending stage come again at boot', async (t) => {
  const { host, pins } = await pending(t);
  await host.engine.unpin(await host.engine.pins());
  await host.activate('a');
  assert.equal((await pins()).length, 1);
});

test('a name that can’t be moved at boot keeps no other from it, and the next boot tries again', async (t) => {
  const host = await startUpdater(t);
  const push = (add: number) => {
    for (const name of ['x', 'y']) {
      host.server.push(`${name}:latest`, image(name.charCodeAt(0) + add));
    }
  };
  push(0);
  host.deploy('a', { 'x:latest': newer, 'y:latest': newer }, 'booted');
  await host.reconcile();
  await host.activate('a');
  push(5);
  host.deploy('b', { 'x:latest': newer, 'y:latest': newer }, 'staged');
  await host.reconcile();
  // No engine refuses one tag alone when asked to.
  const real = host.engine.tag.bind(host.engine);
  t.mock.method(host.engine, 'tag', async (id: string, name: string) => {
    if (name.endsWith('/x:latest')) throw new BerthError('engine-failed', 'no', { hint: 'none' });
    await real(id, name);
  });
  await assert.rejects(host.activate('b'), { code: 'engine-failed' });
  assert.equal(await host.meaning('y:latest'), host.recorded('b', 'y:latest'));
  assert.notEqual(await host.meaning('x:latest'), host.recorded('b', 'x:latest'));
  t.mock.restoreAll();
  await host.activate('b');
  assert.equal(await host.meaning('x:latest'), host.recorded('b', 'x:latest'));
});
