import { setTimeout as delay } from 'node:timers/promises';

/** Pauses that double with each failure, in milliseconds. */
export interface Pauses {
  readonly first: number;
  readonly longest: number;
}

/** Between two tries to get an engine's events. */
export const UNHEARD: Pauses = { first: 250, longest: 60_000 };

/**
 * Between two tries to put something back that failed in the engine, which may be just at work on what somebody
 * removes.
 */
export const ENGINE_FAILED: Pauses = { first: 250, longest: 15 * 60_000 };

/** The same where a registry or the disk failed, so that a registry that is down is not asked all the time. */
export const FETCH_FAILED: Pauses = { first: 5000, longest: 15 * 60_000 };

/** @param failures how many there were in a row; there is no pause without one. */
export function pauseAfter(failures: number, { first, longest }: Pauses): number {
  return failures === 0 ? 0 : Math.min(first * 2 ** (failures - 1), longest);
}

/** @throws the reason of the signal. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(milliseconds, undefined, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}
