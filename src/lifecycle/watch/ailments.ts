import type { Report } from '../events.ts';
import { isOfImage, keyOf, type Lack } from './lacks.ts';
import { pauseAfter, UNHEALED } from './pause.ts';

/**
 * After a fetch the next one waits this many times as long as the fetch took, so that berth does not fetch all the
 * time what somebody keeps removing.
 */
const REST = 4;

/** Something that the root lacks, and since when berth knows. */
interface Known {
  readonly lack: Lack;
  readonly since: number;
  readonly isTold: boolean;
}

interface Attempt {
  readonly began: number;
  readonly isFetched: boolean;
}

/**
 * What one root lacks on one engine, and what came of putting it back. All times are in milliseconds from any
 * starting point, by a clock that never jumps.
 */
export class Ailments {
  readonly #root: string;
  readonly #report: Report;
  #known = new Map<string, Known>();
  /** What a try without a failure did not put back: names that another root means otherwise. */
  #left: ReadonlySet<string> = new Set();
  #failures = 0;
  #fetchesFrom = 0;

  constructor(root: string, report: Report) {
    this.#root = root;
    this.#report = report;
  }

  /**
   * Notes what seems to be missing, and reports what is back. No loss is reported yet: another berth process may be at
   * work on the root, and remove things before it writes the record.
   */
  suspect(lacks: readonly Lack[], now: number): void {
    this.#note(lacks, now, false);
  }

  /** Reports what is newly missing, and what is back. */
  see(lacks: readonly Lack[], now: number): void {
    this.#note(lacks, now, true);
  }

  #note(lacks: readonly Lack[], now: number, isCertain: boolean): void {
    const before = this.#known;
    this.#known = new Map(
      lacks.map((lack) => {
        const known = before.get(keyOf(lack)) ?? { lack, since: now, isTold: false };
        if (isCertain && !known.isTold) this.#tellLost(lack);
        return [keyOf(lack), { ...known, isTold: known.isTold || isCertain }];
      }),
    );
    // If the image of a lost pin is lost too, the pin no longer counts as missing, but it is not back.
    const ailing = new Set(lacks.filter(isOfImage).map(({ id }) => id));
    for (const [key, { lack, since, isTold }] of before) {
      const isBack = !this.#known.has(key) && !ailing.has(lack.id);
      if (isTold && isBack) this.#tellHealed(lack, now - since);
    }
  }

  /** What a try may put back now: nothing that the last try left alone, and no image during a rest. */
  open(now: number): readonly Lack[] {
    const isResting = this.rest(now) > 0;
    return [...this.#known].flatMap(([key, { lack }]) =>
      this.#left.has(key) || (isResting && isOfImage(lack)) ? [] : [lack],
    );
  }

  /** How long to wait before the next fetch; 0 if berth may fetch now. */
  rest(now: number): number {
    return Math.max(0, this.#fetchesFrom - now);
  }

  /** Whether the root lacks something that berth has to try again to put back. */
  get isUnhealed(): boolean {
    return [...this.#known.keys()].some((key) => !this.#left.has(key));
  }

  /**
   * Notes how a try ended.
   *
   * @param left what the root still lacks.
   * @param attempt when the try began, and whether it fetched images.
   */
  tried(left: readonly Lack[], attempt: Attempt, now: number): void {
    this.see(left, now);
    const unhealed = left.filter(({ code }) => code !== 'name-moved');
    // A name that another root means otherwise is left alone.
    this.#left = new Set(left.filter(({ code }) => code === 'name-moved').map(keyOf));
    if (unhealed.length === 0) {
      this.#failures = 0;
      if (attempt.isFetched) this.#fetchesFrom = now + REST * (now - attempt.began);
    } else if (attempt.isFetched || !unhealed.every(isOfImage)) this.failed(now);
  }

  /** Notes that a try failed: the next one waits longer. */
  failed(now: number): void {
    this.#failures++;
    this.#fetchesFrom = now + pauseAfter(this.#failures, UNHEALED);
  }

  #tellLost({ engine, id, name, code, message }: Lack): void {
    this.#report({ event: 'lost', root: this.#root, engine, id, name, code, message });
  }

  #tellHealed({ engine, id, name, code }: Lack, milliseconds: number): void {
    const rounded = Math.round(milliseconds);
    const root = this.#root;
    this.#report({ event: 'healed', root, engine, id, name, code, milliseconds: rounded });
  }
}
