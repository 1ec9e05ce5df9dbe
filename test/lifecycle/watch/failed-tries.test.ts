import assert from 'node:assert/strict';
import test from 'node:test';
import { FailedTries } from '../../../src/lifecycle/watch/failed-tries.ts';
import type { Lack } from '../../../src/lifecycle/watch/lacks.ts';

const lack = (name: string, code: Lack['code'] = 'pin-missing'): Lack => ({
  code,
  engine: 'podman',
  id: `sha256:${'a'.repeat(64)}`,
  name,
  message: name,
});

test('pauses double up to a quarter of an hour, each lack by itself', () => {
  const tries = new FailedTries();
  const pauses: number[] = [];
  for (let i = 0; i < 14; i++) {
    tries.failed([lack('a')], 1000);
    pauses.push(tries.wait(lack('a'), 1000));
  }
  assert.deepEqual(pauses.slice(0, 4), [250, 500, 1000, 2000]);
  assert.deepEqual(pauses.slice(-2), [900_000, 900_000]);
  assert.equal(tries.wait(lack('b'), 1000), 0);
  assert.equal(tries.wait(lack('a', 'name-missing'), 1000), 0);
  tries.failed([lack('b')], 1000);
  assert.equal(tries.wait(lack('b'), 1100), 150);
  assert.equal(tries.wait(lack('b'), 2000), 0);
});

test('what was back in between is tried at once', () => {
  const tries = new FailedTries();
  tries.failed([lack('a'), lack('b')], 0);
  tries.keep([lack('b')]);
  tries.keep([lack('a'), lack('b')]);
  assert.deepEqual([tries.wait(lack('a'), 0), tries.wait(lack('b'), 0)], [0, 250]);
});
