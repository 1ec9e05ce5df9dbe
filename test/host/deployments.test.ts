import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { container, startMachine, writeRoot } from '../support/berth.ts';
import { buildImage } from '../support/image-builder.ts';

const host = 'registry.example.com';

test('slots that berth.toml lists, from the upgrade to the rollback', async (t) => {
  const machine = await startMachine(t);
  for (const [i, tag] of ['web:1', 'web:2'].entries()) {
    machine.registry.push(tag, buildImage({ layers: [{ bytes: 10_000, seed: i }] }));
  }
  const slot = (id: string, tag: string) =>
    writeRoot(join(machine.directory, id), {
      'usr/lib/berth/berth.toml': '[bind]\nmode = "all"\n',
      ...container('web', `${host}/${tag}`),
    });
  const [a, b] = [slot('a', 'web:1'), slot('b', 'web:2')];
  const active = join(machine.directory, 'active');
  const config = join(machine.directory, 'berth.toml');
  writeFileSync(
    config,
    `[directories]\nroots = [{ path = "${a}", id = "a" }, { path = "${b}", id = "slot-b" }]\nactive = { file = "${active}" }\n`,
  );
  const run = (command: string, ...words: string[]) =>
    machine.berth(command, '--config', config, '--engine', 'store', ...words);
  writeFileSync(active, 'a\n');
  const first = await run('reconcile');
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.stdout, /^a +booted +1 +ready, staged now$/m);
  assert.match(first.stdout, /^slot-b +other +1 +ready, staged now$/m);
  const status = await run('status', '--format', 'json');
  const { roots } = JSON.parse(status.stdout) as { roots: { id: string; role?: string }[] };
  assert.deepEqual(
    roots.map(({ id, role }) => [id, role]),
    [
      ['a', 'booted'],
      ['slot-b', 'other'],
    ],
  );
  const second = await run('reconcile');
  assert.match(second.stdout, /Nothing had to be done\./);
  assert.equal((await run('verify')).code, 0, 'the booted root by default');
  assert.equal((await run('verify', b)).code, 0, 'by its path');
  assert.match((await run('images', 'slot-b')).stdout, /web:2/, 'by its id');
  assert.match((await run('activate')).stdout, /^a is ready\.$/m);
  writeFileSync(active, `${b}\n`);
  assert.match(
    (await run('activate')).stdout,
    /slot-b is ready; another root ran before this boot\./,
  );
  // The role that the updater gives now, not when the root was staged.
  assert.match((await run('status')).stdout, /^a +other .*\n(?:.*\n)*slot-b +booted /m);
  const none = await run('images', 'staged');
  assert.equal(none.code, 2);
  assert.match(none.stderr, /no deployment of this host is staged; there are other \(a\), booted/);
  rmSync(a, { recursive: true });
  const gone = await run('reconcile');
  assert.match(gone.stdout, /^a +gone +released$/m);
  writeFileSync(active, 'c\n');
  const failed = await run('reconcile');
  assert.equal(failed.code, 1);
  assert.match(failed.stderr, /to name one of a, slot-b, found "c"/);
  assert.equal((await run('verify', 'slot-b')).code, 0);
});

test('a slot that is not mounted is no root that binds nothing', async (t) => {
  const machine = await startMachine(t);
  machine.registry.push('web:1', buildImage({ layers: [{ bytes: 10_000, seed: 1 }] }));
  const slot = join(machine.directory, 'b');
  const tree = {
    'usr/lib/berth/berth.toml': '[bind]\nmode = "all"\n',
    ...container('web', `${host}/web:1`),
  };
  writeRoot(slot, tree);
  writeRoot(join(machine.directory, 'a'), { 'usr/lib/os-release': '' });
  const active = join(machine.directory, 'active');
  const config = join(machine.directory, 'berth.toml');
  writeFileSync(active, 'a');
  writeFileSync(
    config,
    `[directories]\nroots = [{ path = "${machine.directory}/a", id = "a" }, { path = "${slot}", id = "b" }]\nactive = { file = "${active}" }\n`,
  );
  const run = (command: string, ...words: string[]) =>
    machine.berth(command, '--config', config, '--engine', 'store', ...words);
  assert.equal((await run('reconcile')).code, 0);
  rmSync(slot, { recursive: true });
  mkdirSync(slot);
  const unmounted = await run('reconcile');
  assert.equal(unmounted.code, 1);
  assert.match(unmounted.stderr, /found no usr in it[\s\S]*mount it/);
  assert.doesNotMatch(unmounted.stdout, /Nothing had to be done/);
  assert.equal((await run('verify', 'b')).code, 0, 'its pins are as they were');
  assert.match(
    (await run('status')).stdout,
    new RegExp(`^b +other +ready +store +${host}/web:1`, 'm'),
  );
});

test('where there is no updater, reconcile says so and does nothing', async (t) => {
  const machine = await startMachine(t);
  const { code, stderr, stdout } = await machine.berth('reconcile', '--engine', 'store');
  assert.deepEqual([code, stdout], [0, '']);
  assert.match(stderr, /No updater was found/);
});

test('a held root that lacks an image is no failure of reconcile', async (t) => {
  const machine = await startMachine(t);
  for (const tag of ['web:1', 'web:2']) {
    machine.registry.push(tag, buildImage({ layers: [{ bytes: 1000, seed: tag.length }] }));
  }
  const bound = { 'usr/lib/berth/berth.toml': '[bind]\nmode = "all"\n' };
  const slot = (id: string, tag: string) =>
    writeRoot(join(machine.directory, id), { ...bound, ...container('web', `${host}/${tag}`) });
  const [a, b] = [slot('a', 'web:1'), slot('b', 'web:2')];
  const config = join(machine.directory, 'berth.toml');
  writeFileSync(join(machine.directory, 'active'), 'a\n');
  writeFileSync(
    config,
    `[directories]\nroots = [{ path = "${a}", id = "a" }, { path = "${b}", id = "b" }]\nactive = { file = "${join(machine.directory, 'active')}" }\n`,
  );
  const run = (...words: string[]) =>
    machine.berth('reconcile', '--config', config, '--engine', 'store', ...words);
  assert.equal((await run()).code, 0);
  // The record after a kill in the middle of staging a queued root, which then went.
  const record = join(machine.directory, 'state/roots/b.json');
  const { staged, ...rest } = JSON.parse(readFileSync(record, 'utf8'));
  const deployment = { updater: 'directories', role: 'staged' };
  writeFileSync(record, JSON.stringify({ ...rest, pending: staged, deployment }));
  rmSync(b, { recursive: true });
  const { code, stdout, stderr } = await run();
  assert.match(stdout, /^b +held /m);
  assert.deepEqual([code, stderr], [0, '']);
  const json = JSON.parse((await run('--format', 'json')).stdout);
  assert.equal(json.roots.find(({ id }: { id: string }) => id === 'b').ready, false);
});

test('reconcile leaves a registry alone for as long as it asks, also in later runs', async (t) => {
  const machine = await startMachine(t);
  const { directory, registry } = machine;
  registry.push('web:1', buildImage({ layers: [{ bytes: 1000, seed: 1 }] }));
  const root = writeRoot(join(directory, 'a'), {
    ...container('web', `${host}/web:1`),
    'usr/lib/berth/berth.toml': '[bind]\nmode = "all"\n',
  });
  writeFileSync(join(directory, 'active'), 'a\n');
  const config = join(directory, 'berth.toml');
  writeFileSync(
    config,
    `[directories]\nroots = [{ path = "${root}", id = "a" }]\nactive = { file = "${join(directory, 'active')}" }\n`,
  );
  const run = (command: string, ...words: string[]) =>
    machine.berth(command, '--config', config, '--engine', 'store', ...words);
  registry.fault = () => ({ status: 503, headers: { 'retry-after': '7200' } });
  const first = await run('reconcile');
  assert.equal(first.code, 5, first.stderr);
  assert.match(first.stderr, /try again after \d{4}-/);
  registry.requests.length = 0;
  const second = await run('reconcile');
  assert.equal(second.code, 5, second.stderr);
  assert.match(second.stderr, /it asked not to be asked again before \d{4}-/);
  assert.deepEqual(registry.requests, []);
  // The administrator may know better.
  registry.fault = undefined;
  const byHand = await run('pull', `${host}/web:1`);
  assert.equal(byHand.code, 0, byHand.stderr);
  const file = join(directory, 'state/retry-times.json');
  writeFileSync(file, readFileSync(file, 'utf8').replaceAll(/"2\d{3}-/g, '"2001-'));
  assert.equal((await run('reconcile')).code, 0);
  assert.equal(existsSync(file), false);
});
