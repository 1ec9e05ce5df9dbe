import fc from 'fast-check';

/** Numbers in 0 to 1, the same for the same seed (mulberry32), which `BERTH_SEED` sets. */
export function seeded(): { readonly seed: number; readonly random: () => number } {
  const seed = Number(process.env['BERTH_SEED'] ?? Math.trunc(Math.random() * 0x7fffffff));
  let state = seed;
  const random = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
  return { seed, random };
}

/**
 * Runs a property with a seed that is printed when it fails, and that `BERTH_SEED` sets again.
 * `BERTH_RUNS` multiplies the number of runs, for a long search.
 */
export async function holds<T extends [unknown, ...unknown[]]>(
  runs: number,
  property: fc.IProperty<T> | fc.IAsyncProperty<T>,
): Promise<void> {
  const seed = Number(process.env['BERTH_SEED'] ?? Math.trunc(Math.random() * 0x7fffffff));
  const numRuns = runs * Number(process.env['BERTH_RUNS'] ?? 1);
  // fast-check puts the seed and the smallest counterexample into its message.
  await fc.assert(property, { seed, numRuns, includeErrorInReport: true });
}
