import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { writeRoot } from '../../support/berth.ts';
import { Killed, outcomes, startWorld } from './world.ts';

/** Three services in a chain, all with a new image, of which the middle one does not come up. */
async function chained(t: TestContext) {
  const world = await startWorld(t);
  world.write({
    db: { image: 'db:1' },
    app: { image: 'app:1', after: ['db'] },
    web: { image: 'web:1', after: ['app'] },
  });
  const old = {
    db: world.push('db:1', 1),
    app: world.push('app:1', 2),
    web: world.push('web:1', 3),
  };
  await world.apply();
  for (const name of ['db', 'app', 'web']) await world.start(name);
  world.restarted.length = 0;
  const next = {
    db: world.push('db:1', 11),
    app: world.push('app:1', 12),
    web: world.push('web:1', 13),
  };
  return { world, old, next };
}

test('only what changed is restarted, in the order of the chain', async (t) => {
  const { world, next } = await chained(t);
  const applied = await world.apply();
  assert.deepEqual(outcomes(applied), { db: 'true', app: 'true', web: 'true' });
  assert.deepEqual(world.restarted, ['db.service', 'app.service', 'web.service']);
  for (const name of ['db', 'app', 'web'] as const) {
    assert.equal(world.runs(name), next[name]);
    assert.equal(world.recorded(`${name}:1`), next[name]);
  }
  assert.deepEqual(outcomes(await world.apply()), { db: 'false', app: 'false', web: 'false' });
  assert.equal(world.restarted.length, 3);
  const app = world.push('app:1', 22);
  assert.deepEqual(outcomes(await world.apply()), { db: 'false', app: 'true', web: 'false' });
  assert.equal(world.runs('app'), app);
});

test('the middle of a chain goes back, the first stays new, the last is not reached', async (t) => {
  const { world, old, next } = await chained(t);
  world.breaks(next.app);
  const applied = await world.apply();
  assert.deepEqual(outcomes(applied), { db: 'true', app: 'rolled back', web: 'pending' });
  const expected = { db: next.db, app: old.app, web: old.web };
  for (const name of ['db', 'app', 'web'] as const) {
    assert.equal(world.runs(name), expected[name], name);
    assert.equal(await world.meaning(`${name}:1`), expected[name], name);
    assert.equal(world.recorded(`${name}:1`), expected[name], name);
  }
  assert.deepEqual(applied.staged.findings, []);
  const pins = (await world.engine.pins()).map(({ id }) => id);
  assert.deepEqual(new Set(pins), new Set(Object.values(expected)));
  // berth fetched the image that is not wanted any more, so `prune` may remove it.
  const released = world.record()?.released.map(({ id }) => id);
  assert.deepEqual(new Set(released), new Set([old.db, next.app, next.web]));
});

test('a name that several use goes back for all of them', async (t) => {
  const world = await startWorld(t);
  const old = world.push('x:1', 1);
  world.write({ one: { image: 'x:1' }, two: { image: 'x:1' } });
  await world.apply();
  await world.start('one');
  await world.start('two');
  world.restarted.length = 0;
  world.breaks(world.push('x:1', 2), 'two');
  assert.deepEqual(outcomes(await world.apply()), { one: 'rolled back', two: 'rolled back' });
  assert.deepEqual([world.runs('one'), world.runs('two')], [old, old]);
  const [one, two] = ['one.service', 'two.service'];
  assert.deepEqual(world.restarted, [one, two, one, two]);
});

test('a name goes back to what runs by it, whatever another ran that moved to it', async (t) => {
  const world = await startWorld(t);
  const old = world.push('x:1', 1);
  const other = world.push('y:1', 2);
  world.write({ one: { image: 'x:1' }, two: { image: 'y:1' } });
  await world.apply();
  await world.start('one');
  await world.start('two');
  world.write({ one: { image: 'x:1', after: ['two'] }, two: { image: 'x:1' } });
  world.breaks(world.push('x:1', 3));
  assert.deepEqual(outcomes(await world.apply()), { one: 'pending', two: 'rolled back' });
  assert.equal(world.recorded('x:1'), old);
  assert.deepEqual([world.runs('one'), world.runs('two')], [old, old]);
  assert.ok(!(await world.engine.pins()).some(({ id }) => id === other));
});

test('a service that goes down with one that fails, and does not come back, has failed too', async (t) => {
  const world = await startWorld(t);
  const old = world.push('db:1', 1);
  const web = world.push('web:1', 2);
  world.write({ db: { image: 'db:1' }, web: { image: 'web:1', after: ['db'] } });
  await world.apply();
  await world.start('db');
  await world.start('web');
  world.breaks(world.push('db:1', 3));
  world.breaks(web);
  const applied = await world.apply();
  assert.deepEqual(outcomes(applied), { db: 'rolled back', web: 'failed' });
  assert.match(
    applied.services.at(-1)?.message ?? '',
    /it went down with db\.service: Job for web/,
  );
  assert.equal(world.runs('db'), old);
});

test('a service that has ended by itself is not started again when one that it needs fails', async (t) => {
  for (const isEnding of [false, true]) {
    const world = await startWorld(t);
    world.push('db:1', 1);
    world.write({ db: { image: 'db:1' } });
    world.writeOther('backup', 'db');
    await world.apply();
    await world.start('db');
    await world.start('backup');
    world.breaks(world.push('db:1', 2));
    if (isEnding) world.endsSoon('backup');
    assert.deepEqual(outcomes(await world.apply()), { db: 'rolled back' });
    assert.equal(world.runs('backup') !== undefined, !isEnding);
  }
});

test('a drifted name goes back to what ran, not to what it meant', async (t) => {
  const world = await startWorld(t);
  const old = world.push('web:1', 1);
  const drifted = world.push('spare:1', 2);
  world.write({ web: { image: 'web:1' }, spare: { image: 'spare:1' } });
  await world.apply();
  await world.start('web');
  world.push('web:1', 2);
  await world.tag(drifted, 'web:1');
  world.breaks(drifted);
  assert.deepEqual(outcomes(await world.apply()), { web: 'rolled back' });
  assert.deepEqual([world.runs('web'), await world.meaning('web:1')], [old, old]);
});

test('an image that ran and was on no record is kept to go back to', async (t) => {
  const world = await startWorld(t);
  const old = world.push('web:1', 1);
  world.write({ web: { image: 'web:1' } });
  await world.apply();
  await world.start('web');
  await world.forget();
  world.prune();
  world.breaks(world.push('web:1', 2));
  const applied = await world.apply();
  assert.deepEqual(outcomes(applied), { web: 'rolled back' });
  assert.equal(world.runs('web'), old);
  assert.equal(world.recorded('web:1'), old);
  assert.deepEqual(applied.staged.findings, []);
});

test('a service whose unit alone changed, and does not come up, has nothing to go back to', async (t) => {
  const world = await startWorld(t);
  const old = world.push('x:1', 1);
  world.write({ web: { image: 'x:1' } });
  await world.apply();
  await world.start('web');
  // The unit names the same image otherwise.
  world.push('y:1', 1);
  world.write({ web: { image: 'y:1' } });
  world.breaks(old);
  assert.deepEqual(outcomes(await world.apply()), { web: 'failed' });
  assert.equal(world.restarted.length, 1);
});

test('a new reference is fetched and pinned, and its service is left to systemd', async (t) => {
  const world = await startWorld(t);
  const old = world.push('web:1', 1);
  world.write({ web: { image: 'web:1' } });
  await world.apply();
  await world.start('web');
  const side = world.push('side:1', 2);
  const renamed = world.push('web:2', 3);
  world.write({ web: { image: 'web:2' }, side: { image: 'side:1' } });
  const applied = await world.apply();
  assert.deepEqual(outcomes(applied), { web: 'true' });
  assert.deepEqual(applied.idle, ['side.service']);
  assert.equal(await world.meaning('side:1'), side);
  assert.equal(world.runs('side'), undefined);
  assert.equal(world.runs('web'), renamed);
  const pins = (await world.engine.pins()).map(({ id }) => id);
  assert.ok(pins.includes(side) && !pins.includes(old));
});

test('a unit of users is not the system’s unit of that name', async (t) => {
  const world = await startWorld(t);
  world.push('web:1', 1);
  const first = world.push('own:1', 2);
  world.write({ web: { image: 'web:1' } });
  const image = `${world.server.host}/own:1`;
  writeRoot(world.location, {
    'etc/containers/systemd/users/web.container': `[Container]\nImage=${image}\n`,
    'etc/passwd': 'eve:x:1000:1000::/home/eve:/bin/sh\n',
  });
  await world.apply();
  await world.start('web');
  assert.equal(world.recorded('own:1'), first);
  const next = world.push('own:1', 3);
  assert.deepEqual(outcomes(await world.apply()), { web: 'false' });
  assert.equal(world.recorded('own:1'), next);
});

test('an apply whose images can’t be fetched touches nothing', async (t) => {
  const { world, old } = await chained(t);
  world.write({ db: { image: 'db:1' }, app: { image: 'app:1' }, web: { image: 'gone:1' } });
  const { staged, services } = await world.apply();
  assert.equal(staged.plan.failures.length, 1);
  assert.deepEqual(services, []);
  assert.deepEqual(world.restarted, []);
  assert.equal(await world.meaning('db:1'), old.db);
});

test('killed at any step and run again, it ends as if it had not been', async (t) => {
  for (let steps = 0; ; steps += 1) {
    const { world, old, next } = await chained(t);
    world.breaks(next.app);
    const journal = join(world.stateDirectory, 'apply.json');
    let killed = false;
    try {
      await world.apply(steps);
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      killed = true;
    }
    const isBegun = existsSync(journal);
    // As long as an apply has something left to do, its images need no registry any more.
    if (killed && isBegun && world.restarted.length < 3) await world.server.close();
    const { staged } = await world.apply();
    assert.deepEqual(staged.findings, [], `after ${steps} steps`);
    const expected = { db: next.db, app: old.app, web: old.web };
    for (const name of ['db', 'app', 'web'] as const) {
      assert.equal(world.runs(name), expected[name], `${name} after ${steps} steps`);
      assert.equal(await world.meaning(`${name}:1`), expected[name], `${name}, ${steps} steps`);
      assert.equal(world.recorded(`${name}:1`), expected[name], `${name}, ${steps} steps`);
    }
    assert.ok(!existsSync(journal));
    if (!killed) break;
  }
});

/** A new image that does not come up, a service of the root that requires its service, and one of the host. */
async function required(t: TestContext) {
  const world = await startWorld(t);
  const old = world.push('db:1', 1);
  world.push('web:1', 2);
  world.write({ db: { image: 'db:1' }, web: { image: 'web:1', after: ['db'] } });
  world.writeOther('other', 'db');
  await world.apply();
  for (const name of ['db', 'web', 'other']) await world.start(name);
  const next = world.push('db:1', 3);
  world.breaks(next);
  const killed = async (steps: number) => {
    try {
      await world.apply(steps);
      return false;
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      return true;
    }
  };
  const running = () => ['db', 'web', 'other'].map((name) => world.runs(name) !== undefined);
  return { world, old, next, killed, running };
}

const ALL = [true, true, true];

test('killed at any step and run again, what went down with a service runs again', async (t) => {
  let downs = 0;
  for (let steps = 0; ; steps += 1) {
    const { world, old, killed, running } = await required(t);
    const isKilled = await killed(steps);
    if (!running().every(Boolean)) downs += 1;
    await world.apply();
    assert.deepEqual(running(), ALL, `after ${steps} steps`);
    assert.equal(world.runs('db'), old, `after ${steps} steps`);
    if (!isKilled) break;
  }
  assert.ok(downs > 3, 'some of the kills left services stopped');
});

test('what went down runs again also if the service comes up in the end, or another stage has ended', async (t) => {
  const { world, next, killed, running } = await required(t);
  const journal = join(world.stateDirectory, 'apply.json');
  let steps = 0;
  while (running().every(Boolean)) {
    steps += 1;
    await killed(steps);
  }
  assert.deepEqual(running(), [false, false, false]);
  const left = readFileSync(journal);

  await t.test('it comes up', async () => {
    world.mends(next);
    assert.deepEqual(outcomes(await world.apply()), { db: 'true', web: 'true' });
    assert.deepEqual(running(), ALL);
    assert.ok(!existsSync(journal));
  });
  await t.test('another stage has ended', async () => {
    world.breaks(next);
    await world.start('db');
    world.mends(next);
    writeFileSync(journal, left);
    assert.equal(world.record()?.pending, undefined);
    assert.deepEqual(outcomes(await world.apply()), { db: 'true', web: 'true' });
    assert.deepEqual(running(), ALL);
  });
  await t.test('a journal of an earlier version', async () => {
    const { dependants, ...earlier } = JSON.parse(left.toString());
    assert.ok(dependants.includes('other.service'));
    writeFileSync(journal, JSON.stringify(earlier));
    assert.deepEqual(outcomes(await world.apply()), { db: 'false', web: 'false' });
  });
});

test('a directory is not taken for the root that runs where none is known to', async (t) => {
  const world = await startWorld(t);
  world.push('web:1', 1);
  world.write({ web: { image: 'web:1' } });
  await assert.rejects(world.apply(Number.POSITIVE_INFINITY, false), { code: 'not-live' });
  assert.equal(await world.meaning('web:1'), undefined);
});

test('names do not go back behind a stage that ended after an apply was killed', async (t) => {
  const world = await startWorld(t);
  world.push('web:1', 1);
  world.write({ web: { image: 'web:1' } });
  await world.apply();
  await world.start('web');
  world.push('web:1', 2);
  const journal = join(world.stateDirectory, 'apply.json');
  for (let steps = 1; !existsSync(journal); steps += 1) {
    await assert.rejects(world.apply(steps), Killed);
  }
  const killed = readFileSync(journal);
  // Whatever else staged it, and started the service.
  const second = world.push('web:1', 3);
  rmSync(journal);
  await world.apply();
  writeFileSync(journal, killed);
  world.breaks(world.push('web:1', 4));
  assert.deepEqual(outcomes(await world.apply()), { web: 'rolled back' });
  assert.equal(world.runs('web'), second);
});

test('a killed apply of what the record says already goes on without a registry', async (t) => {
  const world = await startWorld(t);
  const old = world.push('web:1', 1);
  const drifted = world.push('spare:1', 2);
  world.write({ web: { image: 'web:1' }, spare: { image: 'spare:1' } });
  await world.apply();
  await world.tag(drifted, 'web:1');
  await world.start('web');
  const journal = join(world.stateDirectory, 'apply.json');
  for (let steps = 1; !existsSync(journal); steps += 1) {
    await assert.rejects(world.apply(steps), Killed);
  }
  await world.server.close();
  assert.deepEqual(outcomes(await world.apply()), { web: 'true' });
  assert.equal(world.runs('web'), old);
});
