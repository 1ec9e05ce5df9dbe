import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Semaphore } from '../../src/common/semaphore.ts';
import { holds } from '../support/property.ts';

test('of those that wait the heaviest is let in first, and of one weight the first', async () => {
  await holds(
    100,
    fc.asyncProperty(fc.array(fc.nat(5), { maxLength: 20 }), async (weights) => {
      const semaphore = new Semaphore(1);
      const open = Promise.withResolvers<void>();
      const order: (readonly [number, number])[] = [];
      const first = semaphore.run(0, () => open.promise);
      const rest = weights.map((weight, at) =>
        semaphore.run(weight, async () => {
          order.push([weight, at]);
        }),
      );
      open.resolve();
      await Promise.all([first, ...rest]);
      const expected = weights
        .map((weight, at) => [weight, at] as const)
        .toSorted(([a, i], [b, j]) => b - a || i - j);
      assert.deepEqual(order, expected);
    }),
  );
});
