import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chainOf } from '../../src/image/chain.ts';
import { sha256 } from '../../src/image/digest.ts';

test('the chain of layers is that of the image specification', () => {
  const [a = '', b = '', c = ''] = ['a', 'b', 'c'].map((text) => sha256(Buffer.from(text)));
  const ab = sha256(Buffer.from(`${a} ${b}`));
  assert.deepEqual(chainOf([]), []);
  assert.deepEqual(chainOf([a]), [a]);
  assert.deepEqual(chainOf([a, b, c]), [a, ab, sha256(Buffer.from(`${ab} ${c}`))]);
});
