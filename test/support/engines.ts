import type { Engine } from '../../src/engine/engine.ts';
import type { Engines } from '../../src/engine/engines.ts';

/** A host with one engine, which takes every image. */
export function theOnly(engine: Engine): Engines {
  const { id } = engine;
  return { own: id, usual: id, all: id, waitedFor: async () => [], open: async () => engine };
}
