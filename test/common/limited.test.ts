import assert from 'node:assert/strict';
import test from 'node:test';
import { mapLimited } from '../../src/common/limited.ts';

test('results come in the order of the items, with no more under way than allowed', async () => {
  let underWay = 0;
  let most = 0;
  const results = await mapLimited([5, 1, 4, 2, 3], 2, async (item) => {
    most = Math.max(most, ++underWay);
    for (let i = 0; i < item; i++) await Promise.resolve();
    underWay--;
    return item * 10;
  });
  assert.deepEqual(results, [50, 10, 40, 20, 30]);
  assert.equal(most, 2);
});

test('after a failure nothing new is begun, and what was under way is waited for', async () => {
  const begun: number[] = [];
  const ended: number[] = [];
  const work = mapLimited([1, 2, 3, 4], 2, async (item) => {
    begun.push(item);
    if (item === 1) throw new Error('one');
    await Promise.resolve();
    ended.push(item);
  });
  await assert.rejects(work, /one/);
  assert.deepEqual(begun, [1, 2]);
  assert.deepEqual(ended, [2]);
});
