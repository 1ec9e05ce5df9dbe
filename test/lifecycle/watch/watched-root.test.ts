import assert from 'node:assert/strict';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import type { Engine } from '../../../src/engine/engine.ts';
import { EngineError } from '../../../src/engine/errors.ts';
import { openHost } from '../../../src/host/host.ts';
import { readSituation } from '../../../src/lifecycle/situation.ts';
import { lacksOf } from '../../../src/lifecycle/watch/lacks.ts';
import { wakeups } from '../../../src/lifecycle/watch/wakeups.ts';
import type { Watch } from '../../../src/lifecycle/watch/watch-parts.ts';
import { WatchedRoot } from '../../../src/lifecycle/watch/watched-root.ts';
import {
  engineImage,
  engineSample,
  pinFor,
  recordImage,
  stagedRecord,
} from '../../support/samples.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

const names = { a: 'registry.example.com/a:1', b: 'registry.example.com/b:1' };
const [a, b] = [recordImage('a', names.a), recordImage('b', names.b)];

/**
 * A root on a stand-in for an engine that can't pin the image `a`, as no real engine fails that way on demand. The
 * clock stands still unless the test moves it.
 */
async function watchedRoot(t: TestContext) {
  const clock = { now: 1_000_000 };
  t.mock.method(performance, 'now', () => clock.now);
  const pinned = [pinFor('os', b)];
  const named = new Set([names.a, names.b]);
  /** How often somebody moves the name of `b` to another image, right after it was put back. */
  const mover = { times: 0 };
  /** What each try did. */
  const tries: Set<string>[] = [];
  const engine: Engine = engineSample('store', {
    images: async () => [
      engineImage('a', names.a),
      engineImage('b', ...[names.b].filter((name) => named.has(name))),
      engineImage('foreign', ...[names.b].filter((name) => !named.has(name))),
    ],
    pins: async () => pinned,
    pin: async (_root, requests) => {
      for (const { id } of requests) tries.at(-1)?.add(`pin ${id === a.id ? 'a' : 'b'}`);
      throw new EngineError('engine-failed', 'no pin today', { hint: '' });
    },
    tag: async (_id, name) => {
      tries.at(-1)?.add(`name ${name}`);
      if (mover.times-- <= 0) named.add(name);
    },
  });
  const host = openHost(
    { engine: 'store', stateDirectory: join(temporaryDirectory(t), 'state') },
    { report: () => {}, signal: new AbortController().signal, environment: { PATH: '' } },
  );
  t.after(() => host.close());
  const opened = await host.context();
  opened.state.write(stagedRecord('os', a, b));
  const context = { ...opened, engines: { ...opened.engines, open: async () => engine } };
  let work: Promise<unknown> = Promise.resolve();
  const watch: Watch = {
    context,
    registry: opened.registry,
    onForce: 'heal',
    asRun: (run) => {
      tries.push(new Set());
      const running = run();
      work = running;
      return running;
    },
    fail: (error) => assert.ifError(error),
  };
  const root = new WatchedRoot(watch, 'os', 'store', wakeups());
  /** Looks as often as said, and tells what was tried. */
  const look = async (times = 1) => {
    const before = tries.length;
    for (let i = 0; i < times; i++) {
      const situation = await readSituation(context, { exactly: new Set(['store']) });
      const record = situation.records.get('os');
      assert.ok(record);
      root.look(lacksOf(record, situation));
      await work;
      // The root ends the try in the turns after the work.
      await new Promise(setImmediate);
      assert.ok(!root.isBusy);
    }
    return tries.slice(before).map((tried) => [...tried]);
  };
  return { clock, named, mover, look };
}

test('a pin that can’t be made is not tried at each event, but after pauses that grow', async (t) => {
  const { clock, look } = await watchedRoot(t);
  assert.deepEqual(await look(), [['pin a']]);
  for (const pause of [250, 500, 1000]) {
    clock.now += pause - 1;
    assert.deepEqual(await look(10), []);
    clock.now += 1;
    assert.deepEqual(await look(10), [['pin a']]);
  }
});

test('what is newly lost is put back at once beside a pin that can’t be made', async (t) => {
  const { clock, named, look } = await watchedRoot(t);
  await look();
  for (let i = 0; i < 3; i++) {
    named.delete(names.b);
    assert.deepEqual(await look(10), [['pin a', `name ${names.b}`]]);
    assert.deepEqual(await look(10), []);
    clock.now += 1;
  }
});

test('a name that somebody moves again during a try is put back by the next', async (t) => {
  const { clock, named, mover, look } = await watchedRoot(t);
  await look();
  named.delete(names.b);
  mover.times = 2;
  for (const pause of [250, 500]) {
    assert.ok((await look(10)).flat().includes(`name ${names.b}`));
    assert.ok(!named.has(names.b));
    clock.now += pause;
  }
  assert.ok((await look(10)).flat().includes(`name ${names.b}`));
  assert.ok(named.has(names.b));
});
