import assert from 'node:assert/strict';
import test from 'node:test';
import { newPodName, podLabels } from '../../../../src/engine/podman/pins/pod-of-pins.ts';
import { answer, startFakePodman } from '../fake-podman.ts';

/** A podman of version 4.6 or later, which tells how many locks are free. */
async function start(t: Parameters<typeof startFakePodman>[0], roots: readonly string[] = []) {
  const podman = { freeLocks: 10 };
  const { engine, calls } = await startFakePodman(t, (call, response) => {
    if (call === 'GET /info') {
      return answer(response, 200, {
        host: { cgroupManager: 'systemd', security: { rootless: false }, ...podman },
        store: { graphRoot: '/var/lib/containers/storage' },
        version: { Version: '5.4.2' },
      });
    }
    const pods = roots.map((root, index) => ({
      Id: `${index}`,
      Name: newPodName(root),
      Created: '2026-01-01T00:00:00Z',
      Labels: podLabels(root),
    }));
    return answer(response, 200, call === 'GET /pods/json' ? pods : []);
  });
  return { podman, engine, calls };
}

test('a pin takes a lock, and the pod of a root’s first pins one more', async (t) => {
  const { engine } = await start(t, ['old']);
  for (const [root, pins, fits] of [
    ['new', 9, true],
    ['new', 10, false],
    ['old', 10, true],
    ['old', 11, false],
  ] as const) {
    const lack = await engine.roomFor(root, pins);
    assert.equal(lack === undefined, fits, `${pins} pins of ${root}`);
    if (lack === undefined) continue;
    assert.equal(lack.code, 'no-locks');
    assert.equal(lack.kind, 'refused');
    assert.match(lack.message, /needs 11 of podman's locks, .*, and 10 are free$/);
    assert.match(lack.hint, /num_locks/);
  }
});

test('free locks are asked for anew for each root', async (t) => {
  const { engine, podman } = await start(t);
  assert.equal((await engine.info()).name, 'podman');
  assert.equal(await engine.roomFor('a', 5), undefined);
  podman.freeLocks = 4;
  assert.match((await engine.roomFor('b', 5))?.message ?? '', /needs 6 .* and 4 are free$/);
  podman.freeLocks = 6;
  assert.equal(await engine.roomFor('b', 5), undefined);
});

test('for no pins nothing is asked', async (t) => {
  const { engine, calls } = await start(t);
  assert.equal(await engine.roomFor('a', 0), undefined);
  assert.deepEqual(calls, []);
});
