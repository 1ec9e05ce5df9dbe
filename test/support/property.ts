import fc from 'fast-check';

// `make test` runs a short part of each search, always the same one. `make soak` sets these three.

/** Makes a search the same again; another seed searches elsewhere. */
export const seed = Number(process.env['BERTH_SEED'] ?? 1);

/** Multiplies the number of runs. */
const factor = Number(process.env['BERTH_RUNS'] ?? 1);

/** When searches end, even before all their runs, in milliseconds since 1970. */
const until = Number(process.env['BERTH_UNTIL'] ?? Number.POSITIVE_INFINITY);

/** How often to do what `make test` does so many times: kills, questions. */
export function rounds(count: number): number {
  return count * factor;
}

/** Whether the time for searching is over. `make test` runs without such a time. */
export function isOver(): boolean {
  return Date.now() >= until;
}

/** Numbers in 0 to 1, the same for the same seed (mulberry32). */
export function seeded(): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/** Runs a property, and names the seed and the smallest counterexample when it fails. */
export async function holds<T extends [unknown, ...unknown[]]>(
  runs: number,
  property: fc.IProperty<T> | fc.IAsyncProperty<T>,
): Promise<void> {
  const asked = { seed, numRuns: rounds(runs), includeErrorInReport: true };
  if (!Number.isFinite(until)) return fc.assert(property, asked);
  const limit = { interruptAfterTimeLimit: Math.max(1, until - Date.now()) };
  const found = await fc.check(property, { ...asked, ...limit });
  // The time may be over before the first run has ended, which is no failure.
  if (!found.failed || (found.interrupted && found.counterexample === null)) return;
  throw new Error(await fc.asyncDefaultReportMessage(found));
}
