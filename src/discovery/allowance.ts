import type { Fault } from './problem.ts';

/** The allowance of one root, in characters; the units of a large host use a hundredth of it. */
const WHOLE = 64 * 1024 * 1024;

/**
 * Bounds the text that variables and specifiers may expand to in one whole root. Each word has a
 * bound of its own, but one small file can have very many words.
 */
export class Allowance {
  #left = WHOLE;

  /** @returns false once the allowance is used up. */
  spend(characters: number): boolean {
    this.#left -= characters;
    return this.#left >= 0;
  }
}

/** The fault of a word that exceeds the allowance. */
export const allowanceSpent: Fault = {
  code: 'too-large',
  message: `expected at most ${WHOLE} characters in all words of the root once their variables are replaced, found more`,
  hint: 'shorten the values of the variables, or write the images out',
};
