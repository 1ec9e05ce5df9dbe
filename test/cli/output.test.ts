import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { jsonText } from '../../src/cli/output.ts';
import { holds } from '../support/property.ts';

test('JSON in pieces is the JSON that it stands for', async () => {
  // Objects list integer-like keys in another order than they were added.
  const document = fc.dictionary(
    fc.string().filter((key) => key !== ''),
    fc.jsonValue(),
    {
      noNullPrototype: true,
    },
  );
  await holds(
    500,
    fc.property(document, (value) => {
      const text = [...jsonText({ kind: 'x', ...value })].join('');
      const whole = { kind: 'x', ...value };
      assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(whole)));
      // Only characters that would control a terminal are written differently.
      const steering = /[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}]/u;
      const plain = `${JSON.stringify(whole, undefined, 2)}\n`;
      if (!steering.test(plain)) assert.equal(text, plain);
      else assert.ok(!steering.test(text));
    }),
  );
});
