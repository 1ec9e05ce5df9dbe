import assert from 'node:assert/strict';
import test from 'node:test';
import type { Depot } from '../../src/engine/depot.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { withBring, withFetch } from '../../src/engine/with-fetch.ts';
import { openDepot } from '../../src/store/depot.ts';
import { fixture } from '../store/fixture.ts';

/** A copy whose methods are on a prototype, where object spread does not find them. */
function asClass<T extends object>(of: T): T {
  const made: unknown = Object.create(of);
  return made as T;
}

test('an engine that is a class keeps every member when its fetch is another', async (t) => {
  const { store, directory, registry } = fixture(t);
  const depot = openDepot({ directory, registry }, { engine: 'podman', serves: () => true });
  const engine: Engine = asClass({
    ...store,
    depot,
    genuine: async (pins) => pins,
    containers: async () => [],
    repair: async () => [],
    losses: async function* () {
      yield 'lost';
    },
  } satisfies Engine);
  const fetch = async () => 'fetched';
  const wrapped = withFetch(engine, fetch);
  for (const key in engine) {
    const [before, after] = [Reflect.get(engine, key), Reflect.get(wrapped, key)];
    assert.equal(typeof after, typeof before, key);
    if (typeof before !== 'function') assert.equal(after, before, key);
  }
  assert.equal(Reflect.get(wrapped, 'fetch'), fetch);
  assert.deepEqual(await wrapped.images(), []);
  assert.equal((await wrapped.info()).directory, directory);
});

test('a wrapper lacks the members that its engine lacks', (t) => {
  const { store } = fixture(t);
  const wrapped = withFetch(store, async () => 'fetched');
  for (const key of ['depot', 'genuine', 'containers', 'repair', 'losses'] as const) {
    assert.equal(wrapped[key], undefined, key);
  }
});

test('a depot that is a class keeps every member when it brings otherwise', (t) => {
  const { directory, registry } = fixture(t);
  const depot: Depot = asClass(
    openDepot({ directory, registry }, { engine: 'podman', serves: () => true }),
  );
  const bring = async () => undefined;
  const wrapped = withBring(depot, bring);
  for (const key in depot) {
    assert.equal(typeof Reflect.get(wrapped, key), typeof Reflect.get(depot, key), key);
  }
  assert.equal(Reflect.get(wrapped, 'bring'), bring);
  assert.deepEqual(wrapped.pins(), []);
});
