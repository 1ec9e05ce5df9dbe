import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { withLock } from '../../../src/common/process-lock.ts';
import { main, startMachine } from '../../support/berth.ts';
import { skipPodman } from '../../support/podman.ts';
import { mountSmall, skipMounts } from '../../support/small-file-system.ts';
import { host, PODMAN, settled, stagedLab, untilWhole, verify } from './staged-lab.ts';
import { startWatcher, watch } from './watcher.ts';

const skip = skipPodman;

test('a flood of ten thousand events is a few looks, and what is lost in it comes back', {
  skip,
}, async (t) => {
  const lab = await stagedLab(t);
  const watcher = await startWatcher(t, lab, ...PODMAN);
  // podman passes on what anybody writes into its log.
  const log = join(lab.engine.directory, 'tmp/events/events.log');
  const tagged = readFileSync(log, 'utf8')
    .split('\n')
    .find((line) => line.includes('"tag"'));
  assert.ok(tagged);
  appendFileSync(log, `${tagged}\n`.repeat(5000));
  await lab.engine.podman('untag', `${host}/solo:1`);
  appendFileSync(log, `${tagged}\n`.repeat(5000));
  await watcher.healed();
  await lab.engine.podman('rm', '--all');
  await watcher.until(({ event }) => event === 'lost');
  await settled(watcher);
  await untilWhole(lab, 'os', 'old');
  assert.deepEqual(
    watcher.events.filter(({ event }) => event === 'warning'),
    [],
  );
});

test('a full state directory keeps nothing from coming back', {
  skip: skip || skipMounts,
}, async (t) => {
  const lab = await stagedLab(t);
  const state = join(lab.directory, 'state');
  const kept = join(lab.directory, 'kept');
  const copied = await lab.program('cp', '-a', state, kept);
  assert.equal(copied.code, 0, copied.stderr);
  const small = mountSmall(state, 'size=1m,mode=700');
  try {
    assert.equal((await lab.program('cp', '-a', `${kept}/.`, state)).code, 0);
    const tooMuch = Buffer.alloc(2 ** 21);
    assert.throws(() => writeFileSync(join(state, 'fill'), tooMuch), /ENOSPC/);
    const watcher = await startWatcher(t, lab, ...PODMAN);
    await lab.engine.podman('rmi', '--force', '--all');
    await watcher.until((event) => event.event === 'lost' && event.code === 'image-missing');
    await settled(watcher);
    await untilWhole(lab, 'os', 'old');
    await watcher.end();
  } finally {
    small.unmount();
  }
});

test('a state directory in which berth can’t lock ends the watch, so that systemd restarts it', {
  skip: skip || skipMounts,
}, async (t) => {
  const lab = await startMachine(t);
  const state = join(lab.directory, 'state');
  mkdirSync(state, { mode: 0o700 });
  const small = mountSmall(state, 'ro,size=1m,mode=700');
  try {
    const { code, stderr } = await lab.berth('watch');
    assert.equal(code, 1, stderr);
    assert.match(stderr, /expected a state directory that can be written, found .*: EROFS/);
  } finally {
    small.unmount();
  }
});

test('a clock that jumps by a year each time delays nothing', { skip }, async (t) => {
  const lab = await stagedLab(t);
  const jumps = join(lab.directory, 'jumps.cjs');
  writeFileSync(
    jumps,
    'const { now } = Date; let sign = 1;\nDate.now = () => now() + (sign = -sign) * 365 * 86400e3;\n',
  );
  const watcher = await watch(
    [process.execPath, '--require', jumps, main],
    lab.environment,
    PODMAN,
  );
  t.after(watcher.end);
  lab.registry.fault = () => ({ kind: 'reset-at-once' });
  await lab.engine.podman('rmi', '--force', '--all');
  await watcher.until((event) => 'code' in event && event.code === 'heal-failed');
  lab.registry.fault = undefined;
  await settled(watcher);
  await untilWhole(lab, 'os', 'old');
});

test('a root on which another berth works is left to it, and the others are not', {
  skip,
}, async (t) => {
  const lab = await stagedLab(t);
  const watcher = await startWatcher(t, lab, ...PODMAN);
  const lock = join(lab.directory, 'state/locks/os');
  assert.ok(existsSync(lock));
  await withLock(lock, 'exclusive', async () => {
    await lab.engine.podman('rm', '--all');
    await watcher.until((event) => event.event === 'healed' && event.root === 'old');
    assert.deepEqual(await verify(lab, 'old'), []);
    assert.equal((await verify(lab, 'os')).length, 2);
  });
  await untilWhole(lab, 'os');
});
