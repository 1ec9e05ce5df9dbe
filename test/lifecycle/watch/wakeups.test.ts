import assert from 'node:assert/strict';
import test from 'node:test';
import type { ProgressEvent } from '../../../src/lifecycle/events.ts';
import { unrepeated } from '../../../src/lifecycle/watch/unrepeated.ts';
import { wakeups } from '../../../src/lifecycle/watch/wakeups.ts';

test('ten thousand wakes while nobody waits are one', async () => {
  const woken = wakeups();
  const end = new AbortController();
  for (let i = 0; i < 10_000; i++) woken.wake('lost');
  assert.equal(await woken.next(end.signal), 'lost');
  const next = woken.next(end.signal);
  end.abort(new Error('enough'));
  await assert.rejects(next, /enough/);
});

test('a wake that tells of a new beginning is not lost among losses', async () => {
  const woken = wakeups();
  const { signal } = new AbortController();
  for (const why of ['lost', 'listening', 'lost'] as const) woken.wake(why);
  assert.equal(await woken.next(signal), 'listening');
  const next = woken.next(signal);
  woken.wake('lost');
  assert.equal(await next, 'lost');
});

test('a warning is said once in ten minutes, and a lock that is waited for never', () => {
  const said: string[] = [];
  let now = 0;
  const report = unrepeated(
    (event) => said.push('message' in event ? event.message : ''),
    () => now,
  );
  const warn = (message: string, code: 'pins-not-made' | 'waiting-for-lock' = 'pins-not-made') =>
    report({ event: 'warning', code, message } satisfies ProgressEvent);
  for (const message of ['a', 'b', 'a']) warn(message);
  warn('locked', 'waiting-for-lock');
  now = 600_001;
  warn('a');
  for (let i = 0; i < 1000; i++) warn(`${i}`);
  assert.deepEqual(said.slice(0, 4), ['a', 'b', 'a', '0']);
});
