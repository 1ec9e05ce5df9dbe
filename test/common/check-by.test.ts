import assert from 'node:assert/strict';
import test from 'node:test';
import * as v from 'valibot';
import { checkBy, parseBy } from '../../src/common/check-by.ts';

const schema = v.array(v.object({ name: v.string(), size: v.number() }));

test('nothing is looked at behind the first fault', () => {
  let looked = 0;
  const wrong = Array.from({ length: 1000 }, () => ({
    get name() {
      looked++;
      return 1;
    },
  }));
  assert.equal(checkBy(schema, wrong).issues?.length, 1);
  assert.throws(() => parseBy(schema, wrong), v.ValiError);
  assert.equal(looked, 2);
});
