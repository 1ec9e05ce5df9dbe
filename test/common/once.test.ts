import assert from 'node:assert/strict';
import test from 'node:test';
import { once } from '../../src/common/once.ts';

test('once works once, also for calls that come meanwhile', async () => {
  let calls = 0;
  const get = once(async () => ++calls);
  assert.deepEqual(await Promise.all([get(), get()]), [1, 1]);
  assert.equal(await get(), 1);
});

test('once forgets a failure', async () => {
  let calls = 0;
  const get = once(async () => {
    if (++calls === 1) throw new Error('not yet');
    return calls;
  });
  const both = await Promise.allSettled([get(), get()]);
  assert.deepEqual(
    both.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  assert.equal(calls, 1);
  assert.deepEqual([await get(), await get()], [2, 2]);
});
