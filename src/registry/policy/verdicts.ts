import { createHash } from 'node:crypto';

/** The most messages that are remembered. */
const MOST = 2_000;

/** In bytes: longer texts are not remembered; signed ones have a few hundred. */
const LONGEST = 4_096;

/** In milliseconds: a key that expires is used no longer than that. */
const LASTS = 300_000;

interface Known {
  readonly verdict: Buffer | string;
  readonly until: number;
}

/**
 * What gpg said of messages: the signed bytes, or what is wrong. An image can have thousands of names, by each of
 * which it is judged, and the names differ only in what is compared with the signed bytes.
 */
export class Verdicts {
  readonly #known = new Map<string, Known>();

  /** The verdict on a message by these keys; undefined if gpg has not been asked lately. */
  of(keys: readonly Buffer[], message: Buffer): Buffer | string | undefined {
    const known = this.#known.get(keyOf(keys, message));
    return known !== undefined && known.until > performance.now() ? known.verdict : undefined;
  }

  add(keys: readonly Buffer[], message: Buffer, verdict: Buffer | string): void {
    if (verdict.length > LONGEST) return;
    if (this.#known.size >= MOST) this.#known.clear();
    this.#known.set(keyOf(keys, message), { verdict, until: performance.now() + LASTS });
  }
}

function keyOf(keys: readonly Buffer[], message: Buffer): string {
  return [...keys, message].map((of) => createHash('sha256').update(of).digest('hex')).join(' ');
}
