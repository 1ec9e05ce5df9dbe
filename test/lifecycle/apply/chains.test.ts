import assert from 'node:assert/strict';
import test from 'node:test';
import { chainsOf, dependantsOf } from '../../../src/lifecycle/apply/chains.ts';
import { serviceNamed } from './service.ts';

/** Services by what each comes after. */
const services = (after: Readonly<Record<string, readonly string[]>>) =>
  new Map(
    Object.entries(after).map(([unit, units]) => [unit, serviceNamed(unit, { after: units })]),
  );

const none = () => [];

test('a chain goes by way of services that do not change, and of nothing else', () => {
  const loaded = services({
    'c.service': ['between.service', 'basic.target'],
    'between.service': ['a.service'],
    'a.service': ['berth-activate.service'],
    'z.service': ['berth-activate.service', 'basic.target'],
    'berth-activate.service': [],
  });
  assert.deepEqual(chainsOf(['c.service', 'z.service', 'a.service'], loaded, none), [
    ['a.service', 'c.service'],
    ['z.service'],
  ]);
});

test('services that use one name are in one chain, and a circle has some order', () => {
  const loaded = services({
    'a.service': ['b.service'],
    'b.service': ['a.service'],
    'c.service': [],
  });
  const names = (unit: string) => (unit === 'b.service' ? [] : ['x:1']);
  const [chain, ...others] = chainsOf(['c.service', 'a.service', 'b.service'], loaded, names);
  assert.deepEqual(others, []);
  assert.deepEqual(chain?.toSorted(), ['a.service', 'b.service', 'c.service']);
});

test('dependants come in the order in which they start', () => {
  const loaded = services({
    'c.service': ['b.service'],
    'b.service': ['a.service'],
    'a.service': [],
    'z.service': [],
  });
  assert.deepEqual(dependantsOf(['a.service'], loaded), ['b.service', 'c.service']);
});
