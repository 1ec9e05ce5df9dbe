import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Engine } from '../../src/engine/engine.ts';
import type { Pin, PinRequest } from '../../src/engine/pin.ts';
import type { ResolvedImage } from '../../src/image/resolved.ts';
import { openStore } from '../../src/store/store.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { MemoryRegistry } from './memory-registry.ts';

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

export function request(image: ResolvedImage, location = '/os'): PinRequest {
  return {
    id: image.manifest,
    platform: image.platform,
    names: [{ name: image.name, digest: image.digest, manifest: image.manifest }],
    fetched: true,
    record: { location, images: 1, problems: 0, staged: '2026-01-02T03:04:05.000Z' },
  };
}

/** The pins as `root id`, sorted. */
export function held(pins: readonly Pin[]): string[] {
  return pins.map(({ root, id }) => `${root} ${id}`).sort();
}
