import assert from 'node:assert/strict';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { BerthError } from '../../src/common/errors.ts';
import type { Deployment } from '../../src/deployment/deployment.ts';
import { type Reconciled, reconcile } from '../../src/lifecycle/reconcile.ts';
import { openRoot } from '../../src/root/open-root.ts';
import { buildImage } from '../support/image-builder.ts';
import { client } from '../support/registry-client.ts';
import { startUpdater, type TestUpdater } from '../support/updater.ts';

const image = (seed: number) => buildImage({ layers: [{ bytes: 20_000, seed }] });
const newer = 'Pull=newer\n';

function stamps({ context }: TestUpdater): string[] {
  const roots = join(context.state.directory, 'roots');
  return readdirSync(roots).map((name) => {
    const { ino, mtimeMs } = statSync(join(roots, name));
    return `${name} ${ino} ${mtimeMs}`;
  });
}

async function pinsOf({ engine }: TestUpdater, id: string): Promise<number> {
  return (await engine.pins()).filter(({ root }) => root === id).length;
}

test('the living are staged, the gone are released, and twice does nothing', async (t) => {
  const host = await startUpdater(t);
  host.server.push('web:1', image(1));
  host.server.push('web:2', image(2));
  host.deploy('a', { 'web:1': '' }, 'booted');
  host.deploy('b', { 'web:2': '' }, 'rollback');
  const { roots } = await host.reconcile();
  assert.deepEqual(
    roots.map(({ id, role, ready, changed }) => [id, role, ready, changed]),
    [
      ['a', 'booted', true, true],
      ['b', 'rollback', true, true],
    ],
  );
  const before = stamps(host);
  const requests = host.server.requests.length;
  const again = await host.reconcile();
  assert.ok(again.roots.every(({ changed, ready }) => ready && !changed));
  assert.deepEqual(stamps(host), before, 'nothing is written');
  assert.equal(host.server.requests.length, requests, 'no registry is asked');
  host.undeploy('b');
  assert.deepEqual((await host.reconcile()).released, [{ id: 'b', pins: 1, images: 1 }]);
  assert.equal(await pinsOf(host, 'b'), 0);
  assert.equal(await pinsOf(host, 'a'), 1);
});

test('a root keeps the digests that it was staged with, and what is lost comes back by them', async (t) => {
  const host = await startUpdater(t);
  host.server.push('web:latest', image(1));
  host.deploy('a', { 'web:latest': newer }, 'booted');
  await host.reconcile();
  const before = host.recorded('a', 'web:latest');
  host.server.push('web:latest', image(2));
  assert.equal((await host.reconcile()).roots[0]?.changed, false);
  rmSync(join(host.context.state.directory, '../store'), { recursive: true });
  const healed = await host.reconcile();
  assert.equal(healed.roots[0]?.ready, true);
  assert.equal(host.recorded('a', 'web:latest'), before);
  assert.equal(await host.meaning('web:latest'), before);
});

test('another version under one id is staged anew, but for the booted', async (t) => {
  const host = await startUpdater(t);
  host.server.push('web:latest', image(1));
  host.deploy('a', { 'web:latest': newer }, 'booted', '1');
  host.deploy('b', { 'web:latest': newer }, 'other', '1');
  await host.reconcile();
  const before = host.recorded('b', 'web:latest');
  host.server.push('web:latest', image(2));
  host.deploy('a', { 'web:latest': newer }, 'booted', '2');
  host.deploy('b', { 'web:latest': newer }, 'other', '2');
  await host.reconcile();
  assert.equal(host.recorded('a', 'web:latest'), before);
  assert.notEqual(host.recorded('b', 'web:latest'), before);
  assert.equal(await host.meaning('web:latest'), before, 'the name stays with what runs');
});

test('a reader that fails releases nothing, nor does an updater of which nothing is left', async (t) => {
  const host = await startUpdater(t);
  host.server.push('web:1', image(1));
  host.deploy('a', { 'web:1': '' }, 'booted');
  host.deploy('b', { 'web:1': '' }, 'rollback');
  await host.reconcile();
  host.undeploy('b');
  const failure = new BerthError('deployments', 'can’t tell', { hint: 'none' });
  const failed = await host.reconcile({ failures: [failure] });
  assert.deepEqual(failed.released, []);
  assert.deepEqual(failed.failures, [failure]);
  assert.equal(failed.roots[0]?.ready, true, 'what is known to live is staged all the same');
  host.undeploy('a');
  assert.deepEqual((await host.reconcile()).released, []);
  assert.equal(await pinsOf(host, 'b'), 1);
});

test('a staged root that was never finalised is held until a newer is ready', async (t) => {
  const host = await startUpdater(t);
  for (const [i, tag] of ['web:1', 'web:2', 'web:3'].entries()) host.server.push(tag, image(i));
  host.deploy('a', { 'web:1': '' }, 'booted');
  host.deploy('b', { 'web:2': '' }, 'staged');
  await host.reconcile();
  host.undeploy('b');
  const held = await host.reconcile();
  assert.deepEqual(
    held.roots.map(({ id, role, changed }) => [id, role, changed]),
    [
      ['a', 'booted', false],
      ['b', 'held', true],
    ],
  );
  assert.equal((await host.reconcile()).roots[1]?.changed, false);
  assert.equal(await pinsOf(host, 'b'), 1);
  host.deploy('c', { 'web:4': '' }, 'staged');
  const notReady = await host.reconcile();
  assert.equal(notReady.roots.find(({ id }) => id === 'c')?.ready, false);
  assert.equal(await pinsOf(host, 'b'), 1, 'the newer one is not ready');
  host.server.push('web:4', image(4));
  const ready = await host.reconcile();
  assert.deepEqual(
    ready.released.map(({ id }) => id),
    ['b'],
  );
});

test('a held root goes after the days that are set, and lives again when it is back', async (t) => {
  const host = await startUpdater(t);
  host.server.push('web:1', image(1));
  host.server.push('web:2', image(2));
  host.deploy('a', { 'web:1': '' }, 'booted');
  host.deploy('b', { 'web:2': '' }, 'staged');
  await host.reconcile();
  host.undeploy('b');
  await host.reconcile();
  host.deploy('b', { 'web:2': '' }, 'staged');
  assert.equal((await host.reconcile()).roots[1]?.role, 'staged');
  host.undeploy('b');
  await host.reconcile();
  const { released } = await host.reconcile({ heldDays: 0 });
  assert.deepEqual(
    released.map(({ id }) => id),
    ['b'],
  );
});

test('the days of a held root are over though it was noted by a clock that was ahead', async (t) => {
  const host = await startUpdater(t);
  host.server.push('web:1', image(1));
  host.server.push('web:2', image(2));
  host.deploy('a', { 'web:1': '' }, 'booted');
  host.deploy('b', { 'web:2': '' }, 'staged');
  await host.reconcile();
  host.undeploy('b');
  await host.reconcile();
  for (const since of ['2099-01-01T00:00:00Z', 'some day']) {
    const record = host.record('b');
    assert.ok(record?.deployment !== undefined);
    const deployment = { ...record.deployment, since };
    host.context.state.write({ ...record, deployment });
    await host.reconcile();
    const noted = Date.parse(host.record('b')?.deployment?.since ?? '');
    assert.ok(noted <= Date.now(), `${since} ${noted}`);
  }
  const { released } = await host.reconcile({ heldDays: 0 });
  assert.deepEqual(
    released.map(({ id }) => id),
    ['b'],
  );
});

test('a root that can’t be staged does not keep the others from being staged', async (t) => {
  const host = await startUpdater(t);
  host.server.push('web:2', image(2));
  host.deploy('a', { 'gone:1': '' }, 'booted');
  host.deploy('b', { 'web:2': '' }, 'staged');
  const { roots } = await host.reconcile();
  assert.deepEqual(
    roots.map(({ id, ready, failures }) => [id, ready, failures.length]),
    [
      ['a', false, 1],
      ['b', true, 0],
    ],
  );
});

test('a held root is not let go because the running one is staged anew', async (t) => {
  const host = await startUpdater(t);
  host.server.push('web:latest', image(1));
  host.server.push('web:2', image(2));
  host.deploy('a', { 'web:latest': newer }, 'booted', '1');
  host.deploy('b', { 'web:2': '' }, 'staged');
  await host.reconcile();
  await host.activate('a');
  host.undeploy('b');
  await host.reconcile();
  const before = host.record('a')?.staged?.time;
  host.server.push('extra:1', image(3));
  host.deploy('a', { 'web:latest': newer, 'extra:1': '' }, 'booted', '1');
  const { released, roots } = await host.reconcile();
  assert.notEqual(host.record('a')?.staged?.time, before);
  assert.deepEqual(released, []);
  assert.deepEqual(
    roots.map(({ id, ready }) => [id, ready]),
    [
      ['a', true],
      ['b', true],
    ],
  );
});

test('a held root goes when another than before was booted since', async (t) => {
  const host = await startUpdater(t);
  for (const [i, tag] of ['web:1', 'web:2', 'web:3'].entries()) host.server.push(tag, image(i));
  host.deploy('a', { 'web:1': '' }, 'booted');
  host.deploy('c', { 'web:3': '' }, 'rollback');
  await host.reconcile();
  await host.activate('a');
  host.deploy('b', { 'web:2': '' }, 'staged');
  await host.reconcile();
  host.undeploy('b');
  await host.reconcile();
  host.role('a', 'rollback');
  host.role('c', 'booted');
  await host.activate('c');
  const { released } = await host.reconcile();
  assert.deepEqual(
    released.map(({ id }) => id),
    ['b'],
  );
});

test('a held root that has lost an image is not called ready', async (t) => {
  const host = await startUpdater(t);
  host.server.push('web:1', image(1));
  host.server.push('web:2', image(2));
  host.deploy('a', { 'web:1': '' }, 'booted');
  host.deploy('b', { 'web:2': '' }, 'staged');
  await host.reconcile();
  host.undeploy('b');
  await host.engine.unpin((await host.engine.pins()).filter(({ root }) => root === 'b'));
  const { roots } = await host.reconcile();
  const held = roots.find(({ id }) => id === 'b');
  assert.equal(held?.ready, false);
  assert.equal(held?.findings[0]?.code, 'pin-missing');
});

test('a root that went together with its record is known by its pins, and let go', async (t) => {
  const host = await startUpdater(t);
  for (const [i, tag] of ['web:1', 'web:2', 'web:3'].entries()) host.server.push(tag, image(i));
  host.deploy('a', { 'web:1': '' }, 'booted');
  host.deploy('b', { 'web:2': '' }, 'staged');
  host.deploy('c', { 'web:3': '' }, 'rollback');
  await host.reconcile();
  rmSync(join(host.context.state.directory, 'roots'), { recursive: true });
  host.undeploy('b');
  host.undeploy('c');
  const first = await host.reconcile();
  assert.deepEqual(
    first.roots.map(({ id, role }) => [id, role]),
    [
      ['a', 'booted'],
      ['b', 'held'],
    ],
  );
  assert.deepEqual(
    first.released.map(({ id }) => id),
    ['c'],
  );
  const { released } = await host.reconcile({ heldDays: 0 });
  assert.deepEqual(
    released.map(({ id }) => id),
    ['b'],
  );
});

/** A deployment that only some updaters have: its tree can be opened or not. */
async function reconcileOne(
  t: TestContext,
  host: TestUpdater,
  role: Deployment['role'],
  open?: () => never,
): Promise<Reconciled> {
  const location = host.record('b')?.location ?? '';
  const deployment: Deployment = {
    id: 'b',
    updater: 'bootc',
    role,
    pinned: false,
    location,
    open: async () => open?.() ?? openRoot(location),
  };
  const living = { deployments: [deployment], failures: [] };
  const options = { compose: [], heldDays: 7 };
  return reconcile(host.context, client(t, [host.server]), living, options);
}

test('a tree that can’t be read any more is not missed while its record stands', async (t) => {
  const host = await startUpdater(t);
  host.server.push('web:1', image(1));
  host.deploy('b', { 'web:1': '' }, 'staged');
  await host.reconcile();
  const unreadable = () => {
    throw new BerthError('unreadable-root', 'not mounted', { hint: 'mount it' });
  };
  const [stands] = (await reconcileOne(t, host, 'rollback', unreadable)).roots;
  assert.deepEqual([stands?.ready, stands?.failures], [true, []]);
  const pins = (await host.engine.pins()).filter(({ root }) => root === 'b');
  await host.engine.unpin(pins);
  const [lost] = (await reconcileOne(t, host, 'rollback', unreadable)).roots;
  assert.deepEqual([lost?.ready, lost?.failures[0]?.error.code], [false, 'unreadable-root']);
});

test('a local unit beside the queued OS moves none of its other names', async (t) => {
  const host = await startUpdater(t);
  host.server.push('web:latest', image(1));
  host.deploy('b', { 'web:latest': newer }, 'staged');
  await host.reconcile();
  const before = host.recorded('b', 'web:latest');
  host.server.push('web:latest', image(2));
  host.server.push('extra:1', image(3));
  host.deploy('b', { 'web:latest': newer, 'extra:1': '' }, 'staged');
  await reconcileOne(t, host, 'staged');
  assert.equal(host.recorded('b', 'web:latest'), before);
  assert.ok(host.recorded('b', 'extra:1') !== undefined);
});
