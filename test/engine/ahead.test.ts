import assert from 'node:assert/strict';
import test from 'node:test';
import { aheadBy } from '../../src/engine/ahead.ts';
import { EngineError } from '../../src/engine/errors.ts';

test('one partial image is loaded at a time, and the end waits for it and clears', async () => {
  const seen: string[] = [];
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const load = async (layers: number) => {
    seen.push(`load ${layers}`);
    await (layers === 1 ? first : second).promise;
  };
  const ahead = aheadBy(load, async () => void seen.push('clear'));
  ahead.unpack(1);
  ahead.unpack(2);
  first.resolve();
  await new Promise(setImmediate);
  ahead.unpack(3);
  const ended = ahead.end();
  await new Promise(setImmediate);
  assert.deepEqual(seen, ['load 1', 'load 3']);
  second.resolve();
  await ended;
  assert.deepEqual(seen, ['load 1', 'load 3', 'clear']);
});

test('a failure of the engine is none of the image, and what it left is removed', async () => {
  const failure = new EngineError('engine-failed', 'no', { hint: 'none' });
  let cleared = 0;
  const clear = () => {
    cleared += 1;
    return Promise.reject(failure);
  };
  const ahead = aheadBy(() => Promise.reject(failure), clear);
  ahead.unpack(1);
  await ahead.end();
  assert.equal(cleared, 1);
});

test('a bug is thrown at the end', async () => {
  const ahead = aheadBy(
    () => Promise.reject(new TypeError('a bug')),
    async () => undefined,
  );
  ahead.unpack(1);
  await new Promise(setImmediate);
  await assert.rejects(ahead.end(), /a bug/);
});
