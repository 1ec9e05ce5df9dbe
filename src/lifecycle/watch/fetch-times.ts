import { type Pauses, pauseAfter } from './pause.ts';

/** How many times as long as its fetches an image rests, once they have used up what is free. */
const REST = 4;

/** In milliseconds: for how long an image is fetched without any rest. Two fetches in a row are always free. */
const FREE = 60_000;

/**
 * When the images of one root may be fetched. An image that somebody removes again and again is fetched for a fifth of
 * the time at most, in the long run; an image that can't be fetched is tried after pauses that grow. All times are in
 * milliseconds from any starting point, by a clock that never jumps.
 */
export class FetchTimes {
  /** By the engine's id of the image. */
  readonly #images = new Map<string, Times>();

  /** How long to wait before the next fetch of an image; 0 if berth may fetch it now. */
  wait(id: string, now: number): number {
    return Math.max(0, this.#of(id).from - now);
  }

  failed(id: string, pauses: Pauses, now: number): void {
    const times = this.#of(id);
    const failures = times.failures + 1;
    this.#images.set(id, { ...times, failures, from: now + pauseAfter(failures, pauses) });
  }

  /** @param began when the fetch began that has ended now. */
  fetched(id: string, began: number, now: number): void {
    this.#forget(began);
    const took = now - began;
    const used = usedAt(this.#of(id), began) + took;
    const excess = Math.max(0, used - Math.max(FREE, 2 * took));
    this.#images.set(id, { from: now + REST * excess, failures: 0, used, since: now });
  }

  #of(id: string): Times {
    return this.#images.get(id) ?? { from: 0, failures: 0, used: 0, since: 0 };
  }

  /** Forgets images that were left alone for long. */
  #forget(now: number): void {
    for (const [id, times] of this.#images) {
      if (times.failures === 0 && usedAt(times, now) === 0) this.#images.delete(id);
    }
  }
}

interface Times {
  /** When the next fetch may begin. */
  readonly from: number;
  /** How many fetches in a row have failed. */
  readonly failures: number;
  /** For how long the image was fetched, less what it has rested for since. */
  readonly used: number;
  /** When the last fetch ended. */
  readonly since: number;
}

function usedAt({ used, since }: Times, now: number): number {
  return Math.max(0, used - (now - since) / REST);
}
