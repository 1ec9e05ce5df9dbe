import assert from 'node:assert/strict';
import test from 'node:test';
import { hasMoreValues } from '../../src/common/text/json-values.ts';

const MOST = 1000;

test('the values of a JSON text are counted before it is parsed, and characters of its strings are not', () => {
  const many = [`[${'{},'.repeat(600)}{}]`, `[${'"",'.repeat(1001)}""]`, '['.repeat(1001)];
  for (const text of many) assert.equal(hasMoreValues(text, MOST), true, text.slice(0, 20));
  const few = [`["${'[{,\\"'.repeat(1000)}"]`, `[${'{},'.repeat(300)}{}]`, '"', '"\\'];
  for (const text of few) assert.equal(hasMoreValues(text, MOST), false, text.slice(0, 20));
});
