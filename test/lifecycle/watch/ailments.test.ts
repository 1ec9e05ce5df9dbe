import assert from 'node:assert/strict';
import test from 'node:test';
import type { ProgressEvent } from '../../../src/lifecycle/events.ts';
import { Ailments } from '../../../src/lifecycle/watch/ailments.ts';
import type { Lack } from '../../../src/lifecycle/watch/lacks.ts';

const lack = (code: Lack['code'], name = 'app:1'): Lack => ({
  code,
  engine: 'podman',
  id: `sha256:${'a'.repeat(64)}`,
  name,
  message: `${name}: ${code}`,
});

function patient() {
  const told: string[] = [];
  const report = (event: ProgressEvent) => {
    if (event.event === 'lost') told.push(`lost ${event.code} ${event.name}`);
    if (event.event === 'healed') told.push(`healed ${event.code} after ${event.milliseconds}`);
  };
  return { ailments: new Ailments('os', report), told };
}

test('a lack is told of once, and when it is over', () => {
  const { ailments, told } = patient();
  ailments.see([lack('pin-missing')], 1000);
  ailments.see([lack('pin-missing')], 1100);
  assert.deepEqual(ailments.open(1100).length, 1);
  ailments.tried([], { began: 1100, isFetched: false }, 1250);
  assert.deepEqual(told, ['lost pin-missing app:1', 'healed pin-missing after 250']);
  assert.deepEqual([ailments.isUnhealed, ailments.rest(1250)], [false, 0]);
});

test('what another berth takes away by right is told of neither as lost nor as back', () => {
  const { ailments, told } = patient();
  ailments.suspect([lack('pin-missing')], 1000);
  assert.equal(ailments.open(1000).length, 1);
  ailments.tried([], { began: 1000, isFetched: false }, 1250);
  assert.deepEqual([told, ailments.isUnhealed], [[], false]);
  ailments.suspect([lack('pin-missing')], 2000);
  ailments.see([lack('pin-missing')], 2100);
  ailments.tried([], { began: 2000, isFetched: false }, 2250);
  assert.deepEqual(told, ['lost pin-missing app:1', 'healed pin-missing after 250']);
});

test('after a failure nothing is fetched for a pause that doubles, up to a quarter of an hour', () => {
  const { ailments } = patient();
  const pauses: number[] = [];
  for (let now = 0; pauses.length < 12; now += ailments.rest(now)) {
    ailments.see([lack('image-missing')], now);
    assert.equal(ailments.open(now).length, 1, 'the pause is over');
    ailments.tried([lack('image-missing')], { began: now, isFetched: true }, now);
    assert.deepEqual(ailments.open(now), []);
    assert.ok(ailments.isUnhealed);
    pauses.push(ailments.rest(now) / 1000);
  }
  assert.deepEqual(pauses, [5, 10, 20, 40, 80, 160, 320, 640, 900, 900, 900, 900]);
});

test('a pause keeps no pin and no name waiting', () => {
  const { ailments } = patient();
  ailments.failed(0);
  ailments.see([lack('image-missing'), lack('pin-missing', 'b:1'), lack('name-missing', 'c:1')], 1);
  assert.deepEqual(
    ailments.open(1).map(({ code }) => code),
    ['pin-missing', 'name-missing'],
  );
  const rest = ailments.rest(1);
  ailments.tried([lack('image-missing')], { began: 1, isFetched: false }, 1);
  assert.equal(ailments.rest(1), rest, 'what was not fetched has not failed');
});

test('what is taken again and again is fetched for a fifth of the time at most', () => {
  const { ailments } = patient();
  ailments.see([lack('image-missing')], 0);
  ailments.tried([], { began: 0, isFetched: true }, 1000);
  ailments.see([lack('image-missing')], 1001);
  assert.deepEqual(ailments.open(1001), []);
  assert.equal(ailments.rest(1001), 3999);
  assert.equal(ailments.open(5000).length, 1);
});

test('a name that another root means otherwise is left in peace, until something else is lacking', () => {
  const { ailments } = patient();
  ailments.see([lack('name-moved')], 0);
  ailments.tried([lack('name-moved')], { began: 0, isFetched: false }, 1);
  assert.deepEqual([ailments.open(2), ailments.isUnhealed], [[], false]);
  ailments.see([lack('name-moved'), lack('pin-missing')], 3);
  assert.equal(ailments.open(3).length, 1);
});
