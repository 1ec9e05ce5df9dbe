import type { Report } from '../events.ts';
import { isOfImage, keyOf, type Lack } from './lacks.ts';

/** Something that the root lacks, since when berth knows, and whether the loss was reported. */
interface Known {
  readonly lack: Lack;
  readonly since: number;
  readonly isReported: boolean;
}

/**
 * What one root lacks on one engine. Reports what is lost, and what is back. All times are in milliseconds from any
 * starting point, by a clock that never jumps.
 */
export class KnownLacks {
  readonly #root: string;
  readonly #report: Report;
  #known = new Map<string, Known>();

  constructor(root: string, report: Report) {
    this.#root = root;
    this.#report = report;
  }

  get all(): readonly Lack[] {
    return [...this.#known.values()].map(({ lack }) => lack);
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
        const known = before.get(keyOf(lack)) ?? { lack, since: now, isReported: false };
        if (isCertain && !known.isReported) this.#reportLost(lack);
        return [keyOf(lack), { ...known, isReported: known.isReported || isCertain }];
      }),
    );
    // If the image of a lost pin is lost too, the pin no longer counts as missing, but it is not back.
    const gone = new Set(lacks.filter(isOfImage).map(({ id }) => id));
    for (const [key, { lack, since, isReported }] of before) {
      const isBack = !this.#known.has(key) && !gone.has(lack.id);
      if (isReported && isBack) this.#reportBack(lack, now - since);
    }
  }

  #reportLost({ engine, id, name, code, message }: Lack): void {
    this.#report({ event: 'lost', root: this.#root, engine, id, name, code, message });
  }

  #reportBack({ engine, id, name, code }: Lack, milliseconds: number): void {
    const rounded = Math.round(milliseconds);
    const root = this.#root;
    this.#report({ event: 'healed', root, engine, id, name, code, milliseconds: rounded });
  }
}
