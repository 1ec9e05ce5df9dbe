import assert from 'node:assert/strict';
import test from 'node:test';
import { together } from '../../src/common/together.ts';

test('calls in one go share a run, and a call during that run gets its own', async () => {
  let runs = 0;
  const during: Promise<number>[] = [];
  const work = together(async () => {
    const run = ++runs;
    if (run === 1) during.push(work());
    return run;
  });
  assert.deepEqual(await Promise.all([work(), work()]), [1, 1]);
  assert.deepEqual(await Promise.all(during), [2]);
  assert.equal(await work(), 3);
});

test('a failure is told to all that share the run, and is not kept', async () => {
  let runs = 0;
  const work = together(async () => {
    if (++runs === 1) throw new Error('first');
    return runs;
  });
  const both = await Promise.allSettled([work(), work()]);
  assert.deepEqual(
    both.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  assert.equal(await work(), 2);
});
