import { BerthError } from './errors.ts';

/** Enough lookups side by side to hide round trips to registries, and few enough to be polite. */
export const LOOKUPS_AT_A_TIME = 8;

/**
 * Maps with at most `limit` calls under way; results are in the order of the items.
 *
 * After the first rejection no further item is begun, and its error is thrown when the calls under way
 * have ended.
 */
export async function mapLimited<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const failures: unknown[] = [];
  const waiting = items.entries();
  const lane = async () => {
    for (const [index, item] of waiting) {
      try {
        results[index] = await work(item);
      } catch (error) {
        failures.push(error);
      }
      if (failures.length > 0) return;
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane));
  if (failures.length > 0) throw failures[0];
  return results;
}

/** Why the image of a name can't be had. */
export interface NameFailure {
  readonly name: string;
  readonly error: BerthError;
  /** The units that want the image; absent where no units were read. */
  readonly wantedBy?: readonly string[];
}

/**
 * The results of the items that succeeded and the failures of the others, each in the order of the
 * items.
 */
export interface Tried<R> {
  readonly results: readonly R[];
  readonly failures: readonly NameFailure[];
}

type Outcome<R> = { readonly result: R } | NameFailure;

/** As `mapLimited`, but an item that fails does not stop the others; an aborted signal does. */
export async function tryLimited<T extends { readonly name: string }, R>(
  items: readonly T[],
  limit: number,
  signal: AbortSignal,
  work: (item: T) => Promise<R>,
): Promise<Tried<R>> {
  const outcomes = await mapLimited(items, limit, async (item): Promise<Outcome<R>> => {
    signal.throwIfAborted();
    try {
      return { result: await work(item) };
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof BerthError)) throw error;
      return { name: item.name, error };
    }
  });
  return {
    results: outcomes.flatMap((outcome) => ('result' in outcome ? [outcome.result] : [])),
    failures: outcomes.flatMap((outcome) => ('error' in outcome ? [outcome] : [])),
  };
}
