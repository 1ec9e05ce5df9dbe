import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { container, writeRoot } from '../../support/berth.ts';
import { skipPodman } from '../../support/podman.ts';
import {
  host,
  image,
  PODMAN,
  settled,
  stage,
  stagedLab,
  untilWhole,
  verify,
} from './staged-lab.ts';
import { startWatcher } from './watcher.ts';

const skip = skipPodman;
test('what somebody takes from podman is put back, without a registry where it can be', {
  skip,
}, async (t) => {
  const lab = await stagedLab(t);
  const watcher = await startWatcher(t, lab, ...PODMAN);
  const { podman } = lab.engine;
  lab.registry.fault = () => ({ status: 503 });
  const losses: readonly (readonly string[])[] = [
    ['untag', `${host}/solo:1`],
    ['rmi', `${host}/pair:also`],
    ['rm', '--all'],
    ['pod', 'rm', '--force', '--all'],
    ['container', 'cleanup', '--all', '--rm'],
  ];
  for (const loss of losses) {
    await podman(...loss);
    await watcher.until(({ event }) => event === 'lost');
    await settled(watcher);
    for (const id of ['os', 'old']) assert.deepEqual(await verify(lab, id), [], loss.join(' '));
  }
  assert.deepEqual(
    watcher.events.filter(({ event }) => event === 'warning'),
    [],
  );
  assert.equal(await watcher.end(), 'SIGTERM');
});

test('an image comes again from its registry, once that answers, and is told of loudly', {
  skip,
}, async (t) => {
  const lab = await stagedLab(t);
  const watcher = await startWatcher(t, lab, ...PODMAN);
  lab.registry.fault = () => ({ kind: 'reset-at-once' });
  await lab.engine.podman('rmi', '--all', '--force');
  await watcher.until((event) => event.event === 'lost' && event.code === 'image-missing');
  const failed = await watcher.until((event) => 'code' in event && event.code === 'heal-failed');
  assert.match('message' in failed ? failed.message : '', /not whole again.*tried again in \d+ s/);
  lab.registry.fault = undefined;
  await settled(watcher);
  for (const id of ['os', 'old']) assert.deepEqual(await verify(lab, id), []);
});

test('an image that lies in berth’s own store needs no registry', { skip }, async (t) => {
  const lab = await stagedLab(t);
  // Another root has the image in the store.
  const root = writeRoot(join(lab.directory, 'kept'), container('solo', `${host}/solo:1`));
  const words = ['--engine', 'store', '--bind', 'all', '--id', 'kept', root];
  assert.equal((await lab.berth('stage', ...words)).code, 0);
  const watcher = await startWatcher(t, lab, ...PODMAN);
  lab.registry.fault = () => ({ status: 503 });
  await lab.engine.podman('rmi', '--force', `${host}/solo:1`);
  await watcher.until(({ event }) => event === 'lost');
  await settled(watcher);
  assert.deepEqual(await verify(lab, 'old'), []);
});

test('a name that somebody moved is drift of the running root, and is left alone', {
  skip,
}, async (t) => {
  const lab = await stagedLab(t);
  const { podman } = lab.engine;
  const activation = { apiVersion: 'berth/v1', kind: 'Activation', root: 'os' };
  writeFileSync(join(lab.directory, 'state/activation.json'), JSON.stringify(activation));
  const watcher = await startWatcher(t, lab, ...PODMAN);
  const idOf = (name: string) => podman('image', 'inspect', '--format', '{{.Id}}', name);
  const moved = await idOf(`${host}/solo:1`);
  await podman('tag', `${host}/solo:1`, `${host}/pair:1`);
  // What is lost after that is put back, so the move was seen.
  await podman('untag', `${host}/pair:also`, `${host}/pair:also`);
  await watcher.healed();
  assert.equal(await idOf(`${host}/pair:1`), moved);
});

test('released and pruned images stay away, and a new stage is not disturbed', {
  skip,
}, async (t) => {
  const lab = await stagedLab(t);
  const watcher = await startWatcher(t, lab, ...PODMAN);
  assert.equal((await lab.run('release', 'os')).code, 0);
  assert.equal((await lab.run('prune', '--force')).code, 0);
  lab.registry.push('solo:2', image(3));
  await stage(lab, 'old', 'solo:2');
  await lab.engine.podman('untag', `${host}/solo:2`);
  await watcher.healed();
  const names = await lab.engine.podman('images', '--format', '{{.Repository}}:{{.Tag}}');
  assert.ok(!names.includes('pair'), names);
  const pins = await lab.engine.podman('ps', '--all', '--quiet');
  assert.equal(pins.split('\n').length, 1, 'the pin of the earlier image of old is gone');
  const told = watcher.events.filter(({ event }) => event === 'lost');
  assert.equal(told.length, 1, JSON.stringify(told));
});

test('a podman that restarts is followed again, and what was lost meanwhile is put back', {
  skip,
}, async (t) => {
  const lab = await stagedLab(t);
  const watcher = await startWatcher(t, lab, ...PODMAN);
  await lab.engine.stop();
  await watcher.until((event) => 'code' in event && event.code === 'engine-unheard');
  await lab.engine.podman('untag', `${host}/solo:1`);
  await lab.engine.restart();
  await watcher.healed();
  await lab.engine.podman('rm', '--all');
  await watcher.until(({ event }) => event === 'lost');
  await settled(watcher);
  assert.deepEqual(await verify(lab, 'os'), []);
});

test('on-force = "respect": what is removed stays so until an explicit stage', {
  skip,
}, async (t) => {
  const lab = await stagedLab(t);
  const config = join(lab.directory, 'berth.toml');
  writeFileSync(config, 'on-force = "respect"\n');
  const watcher = await startWatcher(t, lab, ...PODMAN, '--config', config);
  const { podman } = lab.engine;
  await podman('untag', `${host}/pair:also`, `${host}/pair:also`);
  await watcher.until((event) => 'code' in event && event.code === 'removed-by-somebody');
  const [finding = '', ...others] = await verify(lab, 'os');
  assert.match(finding, /^name-missing: .*: removed by somebody at 20.*, kept so by on-force$/);
  assert.deepEqual(others, []);
  assert.equal((await lab.run('status')).code, 0);
  await podman('rmi', '--force', `${host}/solo:1`);
  for (const _ of ['os', 'old']) {
    await watcher.until((event) => 'code' in event && event.code === 'removed-by-somebody');
  }
  assert.match((await verify(lab, 'old')).join(), /^image-missing: .*kept so by on-force$/);
  assert.deepEqual(await verify(lab, 'os').then((all) => all.length), 2);
  await stage(lab, 'os', 'solo:1', 'pair:1', 'pair:also');
  assert.deepEqual(await verify(lab, 'os'), []);
  // The image is there, and the other root still does not count as ready.
  assert.match((await verify(lab, 'old')).join(), /^pin-missing: .*kept so by on-force$/);
  await stage(lab, 'old', 'solo:1');
  assert.deepEqual(await verify(lab, 'old'), []);
});

test('two watchers at once do no harm, and one of them is enough', { skip }, async (t) => {
  const lab = await stagedLab(t);
  const [first, second] = await Promise.all([
    startWatcher(t, lab, ...PODMAN),
    startWatcher(t, lab, ...PODMAN),
  ]);
  for (const _ of [1, 2, 3]) {
    await lab.engine.podman('rm', '--all');
    await lab.engine.podman('untag', `${host}/pair:1`, `${host}/pair:1`);
    await Promise.race([first, second].map(({ until }) => until(({ event }) => event === 'lost')));
    await Promise.all([settled(first), settled(second)]);
    await untilWhole(lab, 'os', 'old');
  }
  const pins = await lab.engine.podman('ps', '--all', '--quiet');
  assert.equal(pins.split('\n').length, 3, 'no pin was made twice');
  for (const { events } of [first, second]) {
    assert.deepEqual(
      events.filter(({ event }) => event === 'warning'),
      [],
    );
  }
});

test('what berth itself takes away is no loss, and an engine without roots is let go', {
  skip,
}, async (t) => {
  const lab = await stagedLab(t);
  const watcher = await startWatcher(t, lab, ...PODMAN);
  for (const id of ['old', 'os']) assert.equal((await lab.run('release', id)).code, 0);
  await stage(lab, 'os', 'solo:1', 'pair:1');
  await watcher.until(({ event }) => event === 'listening');
  await settled(watcher);
  const told = watcher.events.flatMap((event) => (event.event === 'lost' ? [event.message] : []));
  assert.deepEqual(told, []);
  assert.deepEqual(await verify(lab, 'os'), []);
});
