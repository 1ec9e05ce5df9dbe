import assert from 'node:assert/strict';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { endOfQuietHours, keepingQuiet, parseQuietHours } from '../../src/lifecycle/quiet-hours.ts';
import { openDepot } from '../../src/store/depot.ts';
import { openStore } from '../../src/store/store.ts';
import { buildImage } from '../support/image-builder.ts';
import { layer, MemoryRegistry } from '../support/memory-registry.ts';
import { request } from '../support/pin-request.ts';
import { client } from '../support/registry-client.ts';
import { fromRegistry } from '../support/source.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { startUpdater } from '../support/updater.ts';

/** A host with one root, at a time of the day that the test says. */
async function start(t: TestContext, quietHours: string, at: readonly [number, number]) {
  const hours = parseQuietHours(quietHours) ?? assert.fail(quietHours);
  const timers: { milliseconds: number; call: () => void }[] = [];
  const clock = {
    time: at,
    now: () => new Date(2026, 0, 1, ...clock.time),
    after: (milliseconds: number, call: () => void) => {
      const timer = { milliseconds, call };
      timers.push(timer);
      return () => void timers.splice(timers.indexOf(timer), 1);
    },
  };
  const host = await startUpdater(t, async (server) => {
    const directory = join(temporaryDirectory(t), 'store');
    return keepingQuiet(openStore({ directory, registry: client(t, [server]) }), hours, clock);
  });
  host.server.push('web:1', buildImage({ layers: [{ bytes: 300_000, seed: 1 }] }));
  host.deploy('a', { 'web:1': '' }, 'booted');
  const state = async () => {
    const { roots } = await host.reconcile();
    return roots.map(({ ready, failures }) => [
      ready,
      ...failures.map(({ error: { code, kind } }) => [code, kind]),
    ]);
  };
  const blobs = () => host.server.requests.filter(({ path }) => path.includes('/blobs/'));
  return { host, clock, timers, state, blobs };
}

const waits = [[false, ['quiet-hours', 'waits']]];

test('in quiet hours nothing is fetched, afterwards all', async (t) => {
  const { clock, timers, state, blobs } = await start(t, '08:00-18:00', [8, 0]);
  assert.deepEqual(await state(), waits);
  clock.time = [17, 59];
  assert.deepEqual(await state(), waits);
  assert.equal(blobs().length, 0);
  clock.time = [18, 0];
  assert.deepEqual(await state(), [[true]]);
  assert.deepEqual(timers, [], 'no timer is left');
  clock.time = [12, 0];
  assert.deepEqual(await state(), [[true]], 'what is there needs no fetching');
});

test('quiet hours may go over midnight', async (t) => {
  const { clock, state } = await start(t, '22:00-06:00', [23, 0]);
  assert.deepEqual(await state(), waits);
  clock.time = [5, 59];
  assert.deepEqual(await state(), waits);
  clock.time = [6, 0];
  assert.deepEqual(await state(), [[true]]);
});

test('a download under way when quiet hours begin ends there and goes on afterwards', async (t) => {
  const { host, clock, timers, state, blobs } = await start(t, '08:00-18:00', [7, 30]);
  const delays: number[] = [];
  host.server.fault = ({ path }) => {
    if (!path.includes('/blobs/')) return undefined;
    delays.push(...timers.map(({ milliseconds }) => milliseconds));
    for (const { call } of timers) call();
    return { kind: 'stall', after: 10 };
  };
  assert.deepEqual(await state(), waits);
  assert.deepEqual([...new Set(delays)], [30 * 60 * 1000]);
  const asked = blobs().length;
  assert.ok(asked > 0);
  host.server.fault = undefined;
  assert.deepEqual(timers, []);
  clock.time = [18, 0];
  assert.deepEqual(await state(), [[true]]);
});

test('nothing is brought into a depot either', async (t) => {
  const registry = new MemoryRegistry();
  const directory = join(temporaryDirectory(t), 'store');
  const [image = assert.fail('no image')] = registry.add('registry.example/app:1', [layer('a', 9)]);
  const depot = openDepot({ directory, registry }, { engine: 'podman', serves: () => true });
  const engine = { ...openStore({ directory, registry }), depot };
  const bringAt = (hour: number) => {
    const clock = { now: () => new Date(2026, 0, 1, hour), after: () => () => undefined };
    const quiet = keepingQuiet(engine, { from: 8 * 60, to: 18 * 60 }, clock);
    const hold = { root: 'os', request: request(image) };
    return (
      quiet.depot?.bring(hold, image, image.blobs, fromRegistry(), {}) ?? assert.fail('no depot')
    );
  };
  await assert.rejects(bringAt(12), { code: 'quiet-hours' });
  assert.ok(image.blobs.every((blob) => !depot.has(blob)));
  await bringAt(18);
  assert.ok(image.blobs.every((blob) => depot.has(blob)));
});

test('the end of quiet hours is the next time that the clock shows it', () => {
  const night = { from: 22 * 60, to: 6 * 60 + 30 };
  const at = (day: number, hour: number, minute: number) => new Date(2026, 0, day, hour, minute);
  assert.deepEqual(endOfQuietHours(night, at(1, 23, 0)), at(2, 6, 30));
  assert.deepEqual(endOfQuietHours(night, at(2, 6, 29)), at(2, 6, 30));
});

test('quiet hours that are none', () => {
  for (const text of [
    '',
    '8-18',
    '08:00',
    '24:00-06:00',
    '08:60-09:00',
    '08:00-08:00',
    '08:00-18:00x',
  ])
    assert.equal(parseQuietHours(text), undefined, text);
  assert.deepEqual(parseQuietHours(' 22:30 - 06:05 '), { from: 1350, to: 365 });
});
