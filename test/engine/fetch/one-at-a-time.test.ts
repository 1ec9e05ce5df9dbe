import assert from 'node:assert/strict';
import test from 'node:test';
import { OneAtATime } from '../../../src/engine/fetch/one-at-a-time.ts';

const blobs = (...digests: readonly string[]) =>
  digests.map((digest) => ({ digest, size: 1, mediaType: 'x' }));

/** Pulls that end when they are told to, and the order in which they began. */
function start() {
  const pulls = new OneAtATime();
  const begun: string[] = [];
  const run = (name: string, ...digests: readonly string[]) => {
    const end = Promise.withResolvers<void>();
    const done = pulls.run(blobs(...digests), () => {
      begun.push(name);
      return end.promise;
    });
    return { end, done };
  };
  return { begun, run };
}

test('a pull waits for another that brings one of its blobs, and for no other', async () => {
  const { begun, run } = start();
  const first = run('first', 'base', 'a');
  const second = run('second', 'base', 'b');
  run('apart', 'c');
  assert.deepEqual(begun, ['first', 'apart']);
  first.end.resolve();
  await first.done;
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(begun, ['first', 'apart', 'second']);
  run('third', 'base');
  assert.deepEqual(begun.at(-1), 'third', 'the blob is here');
  second.end.resolve();
  await second.done;
});

test('a blob that came is forgotten when no pull is under way', async () => {
  const { begun, run } = start();
  const first = run('first', 'base');
  first.end.resolve();
  await first.done;
  run('second', 'base');
  run('third', 'base');
  assert.deepEqual(begun, ['first', 'second'], 'it may have been removed meanwhile');
});

test('after a failed pull its blob is tried again', async () => {
  const { begun, run } = start();
  const first = run('first', 'base');
  run('second', 'base');
  const failed = assert.rejects(first.done, /broken/);
  first.end.reject(new Error('broken'));
  await failed;
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(begun, ['first', 'second']);
});
