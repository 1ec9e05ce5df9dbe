import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { lossesIn } from '../../../src/engine/crio/losses.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

test('a change in a directory wakes, until nobody listens any more', async (t) => {
  const directory = temporaryDirectory(t);
  const listener = new AbortController();
  const losses = lossesIn([join(directory, 'absent'), directory], listener.signal);
  assert.deepEqual(await losses.next(), { done: false, value: 'listening' });
  writeFileSync(join(directory, 'images.json'), '');
  assert.deepEqual(await losses.next(), { done: false, value: 'lost' });
  listener.abort();
  // The write may have been several events.
  let last = await losses.next();
  while (last.done !== true) last = await losses.next();
});

test('a listener that has gone already hears nothing more', async () => {
  const losses = lossesIn([], AbortSignal.abort());
  assert.deepEqual(await losses.next(), { done: false, value: 'listening' });
  assert.equal((await losses.next()).done, true);
});
