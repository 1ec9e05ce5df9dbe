import assert from 'node:assert/strict';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { BerthError } from '../../src/errors.ts';
import { buildImage } from '../support/image-builder.ts';
import { startUpdater, type TestUpdater } from '../support/updater.ts';

const image = (seed: number) => buildImage({ layers: [{ bytes: 20_000, seed }] });
const newer = 'Pull=newer\n';

function stamps({ context }: TestUpdater): string[] {
  const roots = join(context.stateDirectory, 'roots');
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
  rmSync(join(host.context.stateDirectory, '../store'), { recursive: true });
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

test('what one root lacks does not keep the others from being staged', async (t) => {
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
