import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Engine } from '../../src/engine/engine.ts';
import type { Pin } from '../../src/engine/pin.ts';
import { openStore } from '../../src/store/store.ts';
import { MemoryRegistry } from '../support/memory-registry.ts';
import { temporaryDirectory } from '../support/temporary.ts';

export interface Fixture {
  readonly directory: string;
  readonly registry: MemoryRegistry;
  readonly store: Engine;
}

/** A store that does not exist yet, and a registry to fill it from. */
export function fixture(t: TestContext, parent = temporaryDirectory(t)): Fixture {
  const directory = join(parent, 'state', 'store');
  const registry = new MemoryRegistry();
  return { directory, registry, store: openStore({ directory, registry }) };
}

/** The pins as `root id`, sorted. */
export function held(pins: readonly Pin[]): string[] {
  return pins.map(({ root, id }) => `${root} ${id}`).sort();
}
