import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { runningSystem } from '../../../src/deployment/places.ts';
import { EngineError } from '../../../src/engine/errors.ts';
import { type GateOptions, gate } from '../../../src/lifecycle/boot/gate.ts';
import { softRebootWarning } from '../../../src/lifecycle/boot/soft-reboot.ts';
import type { Context } from '../../../src/lifecycle/context.ts';
import { State } from '../../../src/state/state.ts';
import { writeRoot } from '../../support/berth.ts';
import { theOnly } from '../../support/engines.ts';
import { buildImage } from '../../support/image-builder.ts';
import { digestFor } from '../../support/samples.ts';
import { skipMounts, smallFileSystem } from '../../support/small-file-system.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { startUpdater } from '../../support/updater.ts';

const image = (seed: number) => buildImage({ layers: [{ bytes: 20_000, seed }] });
const limits = { days: 7, afterwards: 'boot' } as const;
const B = `${'b'.repeat(64)}.0`;
const AGAIN = `${'b'.repeat(64)}.1`;
const DAY = 24 * 60 * 60 * 1000;

/** A host that runs a, and on which b is queued by ostree: what it needs may be there or not. */
async function queued(t: TestContext) {
  const host = await startUpdater(t);
  host.server.push('web:1', image(1));
  host.deploy('a', { 'web:1': '' }, 'booted');
  host.deploy(B, { 'web:1': '', 'web:2': '' }, 'staged');
  await host.reconcile();
  const run = temporaryDirectory(t);
  mkdirSync(join(run, 'ostree'));
  writeFileSync(join(run, 'ostree/staged-deployment'), '');
  const places = { ...runningSystem, run };
  const lock = join(run, 'ostree/staged-deployment-locked');
  return {
    host,
    run,
    places,
    lock,
    ask: (id = B, options: GateOptions = limits, context: Context = host.context) =>
      gate(context, id === '' ? undefined : { id }, places, options),
    isLocked: () => existsSync(lock),
    held: () => host.context.state.gate.read(),
    bring: async () => {
      host.server.push('web:2', image(2));
      await host.reconcile();
    },
  };
}

test('a root whose stage has not ended is held, and let go when it has', async (t) => {
  const { host, ask, isLocked, held, bring } = await queued(t);
  const gated = await ask();
  assert.equal(gated.decision, 'held');
  assert.deepEqual(
    gated.findings.map(({ message }) => message),
    [`${host.fullName('web:2')} is not there`],
  );
  assert.ok(isLocked());
  assert.equal(held()?.root, B);
  await bring();
  assert.equal((await ask()).decision, 'open');
  assert.ok(!isLocked());
  assert.equal(held(), undefined);
});

test('a root whose image was taken away since is held', async (t) => {
  const { host, ask, bring, isLocked } = await queued(t);
  await bring();
  await host.engine.unpin(await host.engine.pins());
  const id = host.recorded(B, 'web:2') ?? '';
  assert.ok(await host.engine.remove(id));
  const gated = await ask();
  assert.deepEqual(
    [gated.decision, gated.findings.map(({ code }) => code)],
    ['held', ['image-missing']],
  );
  assert.ok(isLocked());
});

test('pins and names that are missing hold nothing: the next boot makes them again', async (t) => {
  const { host, ask, bring, isLocked } = await queued(t);
  await bring();
  await host.engine.unpin(await host.engine.pins());
  await host.engine.tag(host.recorded(B, 'web:1') ?? '', host.fullName('web:2'));
  assert.equal((await ask()).decision, 'open');
  assert.ok(!isLocked());
});

test('a root of which berth can’t tell is not held', async (t) => {
  const { ask, isLocked } = await queued(t);
  assert.equal((await ask('')).decision, 'nothing');
  assert.equal((await ask('someone-elses')).decision, 'unknown');
  assert.ok(!isLocked());
});

test('a lock that somebody else made is left alone', async (t) => {
  const { lock, ask, isLocked, bring } = await queued(t);
  await t.test('before this one', async () => {
    writeFileSync(lock, '');
    assert.equal((await ask()).decision, 'held');
    assert.equal((await ask('someone-elses')).decision, 'unknown');
    assert.ok(isLocked());
  });
  await t.test('after a boot in which there was one of berth’s own', async () => {
    rmSync(lock);
    assert.equal((await ask()).decision, 'held');
    // The lock of the finalisation was lost with that boot's /run.
    rmSync(lock);
    writeFileSync(lock, '');
    await bring();
    assert.equal((await ask()).decision, 'open');
    assert.ok(isLocked());
  });
});

test('its own lock goes whatever lets the root through', async (t) => {
  const { host, ask, isLocked, held, bring } = await queued(t);
  await ask();
  assert.equal((await ask('someone-elses')).decision, 'unknown');
  assert.deepEqual([isLocked(), held()], [false, undefined]);
  await ask();
  const engines = theOnly({ ...host.engine, images: () => assert.fail('gone') });
  await assert.rejects(ask(B, limits, { ...host.context, engines }), /gone/);
  assert.ok(!isLocked());
  await ask();
  await bring();
  assert.equal((await ask()).decision, 'open');
  assert.deepEqual([isLocked(), held()], [false, undefined]);
});

test('the days count for the host, over every tree that is built meanwhile', async (t) => {
  const { host, ask, isLocked, held } = await queued(t);
  const { since } = await ask();
  const start = Date.now();
  t.mock.timers.enable({ apis: ['Date'], now: start });
  // A tree deployed again, and then a new one every night.
  const trees = [AGAIN, ...['c', 'd', 'e', 'f'].map((letter) => `${letter.repeat(64)}.0`)];
  for (const [night, id] of trees.entries()) {
    t.mock.timers.setTime(start + (night + 1) * DAY);
    host.deploy(id, { 'web:1': '', 'web:2': '' }, 'staged');
    await host.reconcile();
    const again = await ask(id);
    assert.deepEqual([again.decision, again.since], ['held', since]);
    assert.equal(held()?.root, id);
  }
  const last = trees.at(-1);
  t.mock.timers.setTime(start + 7.1 * DAY);
  assert.equal((await ask(last)).decision, 'overdue');
  assert.ok(!isLocked());
});

test('after the days that are set the policy decides', async (t) => {
  const { ask, isLocked, held } = await queued(t);
  assert.equal((await ask(B, { days: 0, afterwards: 'boot' })).decision, 'overdue', 'at once');
  await ask();
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 7.1 * DAY });
  assert.equal((await ask(B, { days: 7, afterwards: 'hold' })).decision, 'held');
  assert.equal((await ask(B, { days: 30, afterwards: 'boot' })).decision, 'held');
  assert.equal((await ask()).decision, 'overdue');
  assert.ok(!isLocked(), 'its own lock is taken away');
  assert.equal(held()?.root, B);
});

test('an image that may lie in a store that can’t be read is not known to be missing', async (t) => {
  const { host, ask, bring, isLocked } = await queued(t);
  await bring();
  const record = host.record(B);
  assert.ok(record?.staged !== undefined);
  const name = 'registry.example.com/side:1';
  const directory = temporaryDirectory(t);
  const image = { name, digest: digestFor('a'), id: digestFor('a') };
  const { engine } = record;
  const provided = [{ ...image, engine, directory, references: [] }];
  host.context.state.write({ ...record, staged: { ...record.staged, provided } });
  const list = (images: readonly object[]) =>
    writeRoot(directory, { 'overlay-images/images.json': JSON.stringify(images) });
  const asked = async () => {
    const { decision, findings } = await ask();
    return [decision, findings.map(({ code }) => code), isLocked()];
  };
  list([{ id: 'a'.repeat(64), names: [name] }]);
  assert.deepEqual(await asked(), ['open', [], false]);
  list([]);
  assert.deepEqual(await asked(), ['held', ['image-missing'], true]);
  rmSync(join(directory, 'overlay-images'), { recursive: true });
  assert.deepEqual(await asked(), ['unknown', ['store-unread'], false], 'nothing is mounted there');
  rmSync(directory, { recursive: true });
  assert.deepEqual(await asked(), ['unknown', ['store-unread'], false]);
});

test('the gate says which images a stage that was cut off had yet to bring', async (t) => {
  const { host, ask, isLocked } = await queued(t);
  const record = host.record(B);
  assert.ok(record?.pending !== undefined);
  const { pending } = record;
  const [first] = pending.images;
  assert.ok(first !== undefined);
  const begun = (contents: Partial<typeof pending>) => {
    const changed = { ...record, pending: { ...pending, ...contents } };
    host.context.state.write(changed);
  };
  const asked = async () => {
    const { decision, findings } = await ask();
    return [decision, ...findings.map(({ code, name }) => `${code} ${name}`)];
  };
  // Another root has brought an image by that name: it may be what the name means, or not.
  const [known, unknown] = [host.fullName('web:1'), host.fullName('web:2')];
  begun({ unresolved: [known, unknown] });
  assert.deepEqual(await asked(), ['held', `unresolved ${known}`, `image-missing ${unknown}`]);
  begun({ unresolved: [], images: [first, { ...first, id: digestFor('f') }] });
  assert.deepEqual(await asked(), ['held', `image-missing ${known}`]);
  begun({ unresolved: [] });
  assert.deepEqual(await asked(), ['open']);
  assert.ok(!isLocked());
});

test('a soft reboot into a root that is not known to be ready is warned of', async (t) => {
  const { host, bring } = await queued(t);
  const warned = (id: string | undefined, context: Context = host.context) =>
    softRebootWarning(context, () => ({ id }));
  assert.equal(
    await softRebootWarning(host.context, () => undefined),
    undefined,
    'none is prepared',
  );
  const missing = `a soft reboot enters ${B}, whatever this gate holds: it is NOT ready: ${host.fullName('web:2')} is not there`;
  assert.equal(await warned(B), missing);
  assert.match((await warned('someone-elses')) ?? '', /it was never staged here/);
  assert.match(
    (await warned(undefined)) ?? '',
    /enters \/run\/nextroot, .*none of the deployments/,
  );
  const images = async () => {
    throw new EngineError('engine-unreachable', 'it is away', { hint: 'wait' });
  };
  const away = { ...host.context, engines: theOnly({ ...host.engine, images }) };
  assert.match((await warned(B, away)) ?? '', /it can't be looked at: it is away/);
  const unknown = await softRebootWarning(host.context, () => {
    throw new EngineError('engine-failed', 'a note of ostree is damaged', { hint: 'look' });
  });
  assert.match(unknown ?? '', /enters \/run\/nextroot, .*looked at: a note of ostree is damaged/);
  await bring();
  assert.equal(await warned(B), undefined);
});

test('where no gate is possible it says so', async (t) => {
  const { host } = await queued(t);
  const composefs = temporaryDirectory(t);
  mkdirSync(join(composefs, 'composefs'));
  writeFileSync(join(composefs, 'composefs/staged-deployment'), '');
  const places = { ...runningSystem, run: composefs };
  const gated = await gate(host.context, { id: B }, places, limits);
  assert.equal(gated.decision, 'unheld');
  assert.ok(!existsSync(join(composefs, 'ostree')));
});

test('a boot says what was held, until another root is booted', async (t) => {
  const { host, ask, bring, held } = await queued(t);
  await host.activate('a');
  await ask();
  await host.activate('a');
  assert.match(host.warnings.join('\n'), new RegExp(`${B} was held back at .*web:2 is not there`));
  await bring();
  await host.activate(B);
  assert.equal(held(), undefined);
});

test('a record of what was held that is damaged is none', async (t) => {
  const { host, ask, held } = await queued(t);
  for (const text of ['{', '{}', '[]', 'null']) {
    writeFileSync(join(host.context.state.directory, 'gate.json'), text);
    assert.equal(held(), undefined);
    assert.equal((await ask()).decision, 'held');
  }
});

test('a root is not held if there is no space to remember it', { skip: skipMounts }, async (t) => {
  const { host, places, ask, isLocked } = await queued(t);
  const { directory } = smallFileSystem(t, 'size=2m');
  cpSync(host.context.state.directory, directory, { recursive: true });
  const { bavail, bsize } = statfsSync(directory);
  writeFileSync(join(directory, 'filler'), Buffer.alloc(bavail * bsize));
  const full = { ...host.context, state: new State(directory) };
  await assert.rejects(gate(full, { id: B }, places, limits), { code: 'no-space' });
  assert.ok(!isLocked(), 'nobody would ever take the lock away, nor count its days');
  assert.equal((await ask()).decision, 'held');
});

test('days that are still to come, by a clock that was wrong, don’t count', async (t) => {
  const { host, ask, held } = await queued(t);
  await ask();
  const path = join(host.context.state.directory, 'gate.json');
  const before = { apiVersion: 'berth/v1', kind: 'Gate', ...held(), since: '2099-01-01T00:00:00Z' };
  writeFileSync(path, JSON.stringify(before));
  const { since = '' } = await ask();
  assert.ok(Date.parse(since) <= Date.now(), since);
  assert.equal(held()?.since, since);
});
