import fc from 'fast-check';

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
