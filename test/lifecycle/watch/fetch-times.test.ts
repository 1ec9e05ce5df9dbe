import assert from 'node:assert/strict';
import test from 'node:test';
import { FetchTimes } from '../../../src/lifecycle/watch/fetch-times.ts';
import { ENGINE_FAILED, FETCH_FAILED } from '../../../src/lifecycle/watch/pause.ts';

/** In milliseconds. */
const SECOND = 1000;
const MINUTE = 60 * SECOND;

test('an image that can’t be fetched is tried after pauses that double, up to a quarter of an hour', () => {
  const times = new FetchTimes();
  const pauses: number[] = [];
  for (let now = 0; pauses.length < 12; now += times.wait('a', now)) {
    times.failed('a', FETCH_FAILED, now);
    pauses.push(times.wait('a', now) / SECOND);
  }
  assert.deepEqual(pauses, [5, 10, 20, 40, 80, 160, 320, 640, 900, 900, 900, 900]);
});

test('an engine that fails, perhaps because it is just removing the image, is asked again at once', () => {
  const times = new FetchTimes();
  times.failed('a', ENGINE_FAILED, 0);
  assert.equal(times.wait('a', 0), 250);
  times.failed('a', ENGINE_FAILED, 250);
  assert.equal(times.wait('a', 250), 500);
});

test('a failed image keeps no other image waiting, and counts its failures anew once it is back', () => {
  const times = new FetchTimes();
  for (const now of [0, 1, 2]) times.failed('a', FETCH_FAILED, now);
  assert.equal(times.wait('b', 3), 0);
  times.fetched('a', 20 * SECOND, 21 * SECOND);
  assert.equal(times.wait('a', 21 * SECOND), 0);
  times.failed('a', FETCH_FAILED, 22 * SECOND);
  assert.equal(times.wait('a', 22 * SECOND), 5 * SECOND);
});

test('an image that is removed a few times is fetched at once each time', () => {
  const times = new FetchTimes();
  let now = 0;
  for (let i = 0; i < 20; i++) {
    assert.equal(times.wait('a', now), 0);
    times.fetched('a', now, now + SECOND);
    now += SECOND;
  }
});

test('even an image that takes ten minutes is fetched twice in a row', () => {
  const times = new FetchTimes();
  times.fetched('a', 0, 10 * MINUTE);
  assert.equal(times.wait('a', 10 * MINUTE), 0);
  times.fetched('a', 10 * MINUTE, 20 * MINUTE);
  assert.equal(times.wait('a', 20 * MINUTE), 0);
  times.fetched('a', 20 * MINUTE, 30 * MINUTE);
  assert.equal(times.wait('a', 30 * MINUTE), 40 * MINUTE);
});

for (const took of [SECOND, 10 * SECOND, 5 * MINUTE]) {
  test(`an image that is removed all the time is fetched for a fifth of the time: ${took} ms a fetch`, () => {
    const times = new FetchTimes();
    const fetches = 2000;
    let now = 0;
    for (let i = 0; i < fetches; i++) {
      now += times.wait('a', now);
      times.fetched('a', now, now + took);
      now += took;
    }
    assert.ok((fetches * took) / now < 0.21, `${(fetches * took) / now}`);
  });
}

test('an image that was left alone for long may be fetched again as often as before', () => {
  const times = new FetchTimes();
  let now = 0;
  for (let i = 0; i < 100; i++) {
    now += times.wait('a', now);
    times.fetched('a', now, now + SECOND);
    now += SECOND;
  }
  assert.ok(times.wait('a', now) > 0);
  now += 10 * MINUTE;
  for (let i = 0; i < 20; i++) {
    assert.equal(times.wait('a', now), 0);
    times.fetched('a', now, now + SECOND);
    now += SECOND;
  }
});
