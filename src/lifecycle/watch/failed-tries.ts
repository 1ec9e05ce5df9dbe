import { keyOf, type Lack } from './lacks.ts';
import { ENGINE_FAILED, pauseAfter } from './pause.ts';

/**
 * When pins and names that could not be put back are tried again: each by itself, after pauses that grow. All times are
 * in milliseconds from any starting point, by a clock that never jumps.
 */
export class FailedTries {
  #byLack: ReadonlyMap<string, Failed> = new Map();

  /** How long to wait before the next try; 0 for what has just been lost. */
  wait(lack: Lack, now: number): number {
    return Math.max(0, (this.#byLack.get(keyOf(lack))?.from ?? 0) - now);
  }

  /** Forgets what is back: lost once more, it is put back at once. */
  keep(lacks: readonly Lack[]): void {
    const lacking = new Set(lacks.map(keyOf));
    this.#byLack = new Map([...this.#byLack].filter(([key]) => lacking.has(key)));
  }

  /** Notes what a try has left missing. */
  failed(lacks: readonly Lack[], now: number): void {
    const failed = lacks.map((lack): [string, Failed] => {
      const failures = (this.#byLack.get(keyOf(lack))?.failures ?? 0) + 1;
      return [keyOf(lack), { failures, from: now + pauseAfter(failures, ENGINE_FAILED) }];
    });
    this.#byLack = new Map([...this.#byLack, ...failed]);
  }
}

interface Failed {
  /** How many tries in a row have failed. */
  readonly failures: number;
  /** When the next try may begin. */
  readonly from: number;
}
