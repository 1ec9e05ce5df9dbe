import type { Fault } from './problem.ts';

/** In characters; the units of a large host take a hundredth. */
const WHOLE = 64 * 1024 * 1024;

/**
 * What variables and specifiers may make of the words of one root, all together: each word has a bound
 * of its own, and one small file can have as many words as it has lines.
 */
export class Allowance {
  #left = WHOLE;

  /** @returns false once more was spent than there was. */
  spend(characters: number): boolean {
    this.#left -= characters;
    return this.#left >= 0;
  }
}

export const allowanceSpent: Fault = {
  code: 'too-large',
  message: `expected at most ${WHOLE} characters in all words of the root once their variables are replaced, found more`,
  hint: 'shorten the values of the variables, or write the images out',
};
