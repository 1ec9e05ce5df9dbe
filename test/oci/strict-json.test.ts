import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { parseStrictJson } from '../../src/oci/strict-json.ts';
import { holds } from '../support/property.ts';

const taken: readonly string[] = [
  '{}',
  '[]',
  'null',
  '"a\\"b"',
  '{"a":1,"b":{"a":2}}',
  '[{"a":1},{"a":1}]',
  '{"a":"\\"b\\":1,\\"b\\":2"}',
  '{"a\\\\":1,"a":2}',
  '{"a" \t\r\n: "b:" , "b" : ":"}',
  '{"__proto__":1,"constructor":2}',
  '{"1":1,"0":2}',
];

const refused: readonly string[] = [
  '',
  '{',
  '{"a":1,}',
  '\uFEFF{}',
  '{"a":1,"a":1}',
  '{"a":1,"\\u0061":2}',
  '{"b":{"c":[{"a":1,"x":{},"a":2}]}}',
  '{"__proto__":1,"__proto__":2}',
  '{"a\\\\":1,"a\\\\":2}',
  '{"\\"":1,"\\"" :2}',
];

test('JSON is taken if no object has a key twice', () => {
  for (const text of taken) {
    const value: unknown = JSON.parse(text);
    assert.deepEqual(parseStrictJson(Buffer.from(text)), { kind: 'json', value }, text);
  }
  for (const text of refused) {
    assert.equal(parseStrictJson(Buffer.from(text)).kind, 'refused', text);
  }
});

test('any JSON is taken, and with one key repeated it is not', async () => {
  await holds(
    300,
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.string(), (object, key) => {
      const text = JSON.stringify(object);
      assert.equal(parseStrictJson(Buffer.from(text)).kind, 'json');
      const pair = `${JSON.stringify(key)}:0`;
      const twice = `{${pair},"inner":${text},${pair}}`;
      assert.equal(parseStrictJson(Buffer.from(twice)).kind, 'refused');
    }),
  );
});

test('depth and length cost neither the stack nor more than linear time', () => {
  const depth = 100_000;
  const deep = '['.repeat(depth) + ']'.repeat(depth);
  assert.equal(parseStrictJson(Buffer.from(deep)).kind, 'json');
  for (const filling of ['\\\\', '\\"', ':', ' ']) {
    const long = JSON.stringify({ a: filling.repeat(1_000_000), b: 1 });
    assert.equal(parseStrictJson(Buffer.from(long)).kind, 'json', filling);
  }
});
