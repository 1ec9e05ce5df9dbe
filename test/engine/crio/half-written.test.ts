import assert from 'node:assert/strict';
import test from 'node:test';
import { untilWritten } from '../../../src/engine/crio/half-written.ts';
import { EngineError } from '../../../src/engine/errors.ts';

const id = 'f'.repeat(64);
const torn = new EngineError(
  'engine-failed',
  `crio refused ListImages: locating item named "manifest" for image with ID "${id}" (…): file does not exist`,
  { hint: '' },
);

/** Fails so often, and then answers. */
function failing(times: number, error: Error) {
  let asked = 0;
  return async () => {
    asked += 1;
    if (asked <= times) throw error;
    return asked;
  };
}

test('an image that is being written is waited for', async () => {
  assert.equal(await untilWritten(failing(2, torn), [1, 1]), 3);
});

test('an image that nobody finishes is one to repair', async () => {
  await assert.rejects(untilWritten(failing(3, torn), [1, 1]), {
    code: 'torn-image',
    message: new RegExp(id),
  });
});

test('another failure is not waited for', async () => {
  const other = new EngineError('engine-failed', 'crio refused ListImages: no', { hint: '' });
  await assert.rejects(untilWritten(failing(1, other), [1]), other);
});
