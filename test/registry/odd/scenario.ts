import fc from 'fast-check';
import type { OddImage } from './image.ts';
import { images } from './images.ts';
import { often } from './often.ts';
import { type OddRegistry, registries } from './registry.ts';

/** How many registries a run compares in `make test`. */
export const REGISTRIES_A_RUN = 100;

/** An image, the registry that has it, and its mirrors. */
export interface Scenario {
  readonly image: OddImage;
  readonly registry: OddRegistry;
  readonly mirrors: readonly Mirror[];
  /** Whether an earlier run has left half of the lowest layer. */
  readonly isBegun: boolean;
}

export interface Mirror {
  /** Whether anything listens there. */
  readonly isAlive: boolean;
  /** Whether the image is below other repositories there, as in a cache of several registries. */
  readonly isNested: boolean;
  readonly registry: OddRegistry;
  readonly use: 'all' | 'digest-only' | 'tag-only';
}

const mirror: fc.Arbitrary<Mirror> = fc.record({
  isAlive: often(true, fc.constant(false), 5),
  isNested: fc.boolean(),
  registry: fc
    .tuple(registries(5), fc.constantFrom('all', 'the platform', 'layers', undefined, undefined))
    .map(([registry, lacks]): OddRegistry => ({ ...registry, lacks })),
  use: often('all', fc.constantFrom('digest-only', 'tag-only'), 2),
});

export const scenarios: fc.Arbitrary<Scenario> = fc.record({
  image: images,
  registry: registries(1),
  mirrors: often([], fc.array(mirror, { minLength: 1, maxLength: 2 }), 3),
  isBegun: often(false, fc.constant(true), 2),
});
