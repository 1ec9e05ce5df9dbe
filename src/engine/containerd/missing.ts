/**
 * In milliseconds: how long something that was seen to go is looked for. Whoever puts it back needs less, and it may
 * be removed again before a look has seen it there.
 */
const LOOKED_FOR = 60_000;

/** The things that have gone from an engine, as looks at all of its things tell. */
export class Missing {
  #before: ReadonlySet<string>;
  /** When each of them was seen to be gone. */
  readonly #gone = new Map<string, number>();

  constructor(things: ReadonlySet<string>) {
    this.#before = things;
  }

  /**
   * Compares a look with the one before.
   *
   * @param time in milliseconds, by a clock that never jumps.
   * @returns whether anything is missing that was there a minute ago, or later.
   */
  see(now: ReadonlySet<string>, time: number): boolean {
    for (const thing of this.#before) if (!now.has(thing)) this.#gone.set(thing, time);
    this.#before = now;
    for (const [thing, since] of this.#gone) {
      if (now.has(thing) || time - since > LOOKED_FOR) this.#gone.delete(thing);
    }
    return this.#gone.size > 0;
  }
}
