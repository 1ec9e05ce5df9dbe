import assert from 'node:assert/strict';
import test from 'node:test';
import { prunable, prune } from '../../../src/lifecycle/prune.ts';
import { release } from '../../../src/lifecycle/release.ts';
import { recoverSituation } from '../../../src/lifecycle/situation.ts';
import { leftUndone } from '../../../src/state/apply-journal.ts';
import { recordsFromPins } from '../../../src/state/recover.ts';
import { buildImage } from '../../support/image-builder.ts';
import { startUpdater, type TestUpdater } from '../../support/updater.ts';

const image = (seed: number) => buildImage({ layers: [{ bytes: 20_000, seed }] });
const newer = 'Pull=newer\n';

/** Stages root a and boots it. */
async function bootA(host: TestUpdater): Promise<void> {
  host.server.push('web:latest', image(1));
  host.deploy('a', { 'web:latest': newer }, 'booted');
  await host.reconcile();
  await host.activate('a');
}

/** Root a runs, and root b is staged with another meaning of the same name. */
async function upgrade(host: TestUpdater) {
  await bootA(host);
  host.server.push('web:latest', image(2));
  host.deploy('b', { 'web:latest': newer }, 'staged');
  await host.reconcile();
  const [old, next] = [host.recorded('a', 'web:latest'), host.recorded('b', 'web:latest')];
  assert.ok(old !== undefined && next !== undefined && old !== next);
  return { old, next };
}

/** As auto-update does it, or a person. */
async function pullByHand(host: TestUpdater, seed: number, tag = 'web:latest'): Promise<string> {
  host.server.push('side:1', image(seed));
  host.deploy('side', { 'side:1': '' }, 'other');
  await host.reconcile();
  const id = host.recorded('side', 'side:1');
  assert.ok(id);
  await host.engine.tag(id, host.fullName(tag));
  return id;
}

test('a name moves when its root is booted, and back with a rollback', async (t) => {
  const host = await startUpdater(t);
  const { old, next } = await upgrade(host);
  assert.equal(await host.meaning('web:latest'), old, 'staged only');
  await host.server.close();
  const booted = await host.activate('b');
  assert.deepEqual([booted.switched, booted.findings], [true, []]);
  assert.deepEqual(booted.moved, [host.fullName('web:latest')]);
  assert.equal(await host.meaning('web:latest'), next);
  const back = await host.activate('a');
  assert.equal(back.switched, true);
  assert.equal(await host.meaning('web:latest'), old);
  assert.deepEqual(back.findings, []);
});

test('a stage that was cut off after its last image lacks no name at the boot', async (t) => {
  const host = await startUpdater(t);
  const { next } = await upgrade(host);
  const record = host.record('b');
  assert.ok(record?.staged !== undefined);
  const { staged: pending, ...begun } = record;
  host.context.state.write({ ...begun, pending });
  const { moved, findings } = await host.activate('b');
  assert.deepEqual(moved, [host.fullName('web:latest')]);
  assert.equal(await host.meaning('web:latest'), next);
  assert.deepEqual(
    findings.map(({ code }) => code),
    ['unfinished'],
  );
});

test('an apply that was killed is over when another root is booted', async (t) => {
  const host = await startUpdater(t);
  await upgrade(host);
  const { journal } = host.context.state;
  journal.write({ root: 'a', previous: {}, due: ['web.service'], dependants: [] });
  await host.activate('a');
  assert.ok(leftUndone(journal, 'a'), 'the same root goes on with it');
  await host.activate('b');
  await host.activate('a');
  assert.equal(leftUndone(journal, 'a'), undefined);
});

test('a name that moved since the last boot of the same root is drift: pinned, recorded, left alone', async (t) => {
  const host = await startUpdater(t);
  await bootA(host);
  const recorded = host.recorded('a', 'web:latest');
  const moved = await pullByHand(host, 7);
  const { switched, drifted, findings } = await host.activate('a');
  assert.deepEqual(
    [switched, drifted, findings],
    [false, [{ name: host.fullName('web:latest'), id: moved, recorded }], []],
  );
  assert.equal(await host.meaning('web:latest'), moved, 'no downgrade');
  host.undeploy('side');
  await host.reconcile();
  const pins = (await host.engine.pins()).filter(({ root }) => root === 'a');
  assert.deepEqual(new Set(pins.map(({ id }) => id)), new Set([moved, recorded]));
  assert.equal(host.record('a')?.drift?.[0]?.id, moved);
  const found = recordsFromPins(pins, new Map())[0];
  assert.equal(found?.drift?.[0]?.id, moved, 'the pins tell it apart');
  assert.equal(found?.staged?.images[0]?.id, recorded);
  assert.equal((await host.reconcile()).roots[0]?.changed, false);
});

test('drift is found by reconcile too, and ends when another root is booted', async (t) => {
  const host = await startUpdater(t);
  const { old, next } = await upgrade(host);
  const moved = await pullByHand(host, 7);
  await host.reconcile();
  assert.equal(host.record('a')?.drift?.[0]?.id, moved);
  assert.equal(await host.meaning('web:latest'), moved);
  host.undeploy('side');
  await host.reconcile();
  await host.activate('b');
  assert.equal(await host.meaning('web:latest'), next);
  assert.equal(host.record('a')?.drift, undefined);
  const pins = (await host.engine.pins()).filter(({ root }) => root === 'a');
  assert.deepEqual(
    pins.map(({ id }) => id),
    [old],
  );
  await host.activate('a');
  assert.equal(await host.meaning('web:latest'), old, 'a rollback runs what it ran before');
});

test('drift that turns back is none', async (t) => {
  const host = await startUpdater(t);
  await bootA(host);
  const recorded = host.recorded('a', 'web:latest') ?? '';
  await pullByHand(host, 7);
  await host.activate('a');
  await host.engine.tag(recorded, host.fullName('web:latest'));
  await host.activate('a');
  assert.equal(host.record('a')?.drift, undefined);
  assert.equal((await host.engine.pins()).filter(({ root }) => root === 'a').length, 1);
});

test('a root that is released lets go of the image to which a name drifted', async (t) => {
  const host = await startUpdater(t);
  await bootA(host);
  const recorded = host.recorded('a', 'web:latest');
  const moved = await pullByHand(host, 7);
  await host.activate('a');
  host.undeploy('side');
  await host.reconcile();
  await release(host.context, 'a');
  assert.equal(host.record('a')?.drift, undefined);
  const entries = prunable(await recoverSituation(host.context));
  const { removed } = await prune(host.context, entries);
  assert.deepEqual(new Set(removed.map(({ id }) => id)), new Set([moved, recorded]));
  assert.equal(host.record('a'), undefined, 'nothing of the root is left');
});

test('a locked name never drifts', async (t) => {
  const host = await startUpdater(t);
  await bootA(host);
  await pullByHand(host, 7);
  const { moved, drifted } = await host.activate('a', ['web:latest']);
  assert.deepEqual([moved, drifted], [[host.fullName('web:latest')], []]);
  assert.equal(await host.meaning('web:latest'), host.recorded('a', 'web:latest'));
});

test('pins that are lost are made again, of every root', async (t) => {
  const host = await startUpdater(t);
  await upgrade(host);
  await host.engine.unpin(await host.engine.pins());
  assert.equal((await host.engine.pins()).length, 0);
  const { pins, findings } = await host.activate('a');
  assert.deepEqual([pins, findings], [2, []]);
  assert.equal((await host.engine.pins()).length, 2);
});

test('a root without a record is not ready, and its first boot counts', async (t) => {
  const host = await startUpdater(t);
  const { findings } = await host.activate('a');
  assert.deepEqual(
    findings.map(({ code }) => code),
    ['not-staged'],
  );
  host.server.push('web:latest', image(1));
  host.deploy('a', { 'web:latest': newer }, 'booted');
  await host.reconcile();
  const moved = await pullByHand(host, 7);
  await host.activate('a');
  assert.equal(await host.meaning('web:latest'), moved, 'drift, though berth came only after boot');
});
