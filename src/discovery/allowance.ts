import type { Fault, Problem } from './problem.ts';

/** The allowance of one root, in characters; the units of a large host use a hundredth of it. */
const WHOLE = 64 * 1024 * 1024;

/** The cost of a variable that is copied for a command, as a number of characters. */
export const costOfVariable = 32;

/** The most references of one root; each takes about a kilobyte of memory. */
const mostReferences = 100_000;
/** The most problems of units, for the same reason. */
const mostProblems = 50_000;

/** The most faults of one command or unit that are said: each image of the command has all of them. */
export const mostFaults = 20;

/**
 * Bounds what one root may make berth do: the text that variables and specifiers expand to, the files
 * that are read anew for each unit, and the references. Each word and each file has a bound of its own,
 * but one small file can have very many words, and very many units can name one file.
 */
export class Allowance {
  #left = WHOLE;
  #references = mostReferences;
  #problems = mostProblems;
  #isFull = false;
  #isCut = false;

  /** @returns false once the allowance is used up. */
  spend(characters: number): boolean {
    this.#left -= characters;
    return this.#left >= 0;
  }

  /** The first of some references, as many as the root may still have. */
  admit<T>(references: readonly T[]): readonly T[] {
    const admitted = references.slice(0, this.#references);
    this.#references -= admitted.length;
    if (admitted.length < references.length) this.#isFull = true;
    return admitted;
  }

  /** The first of some problems of units, as many as the root may still have. */
  admitProblems(problems: readonly Problem[]): readonly Problem[] {
    const admitted = problems.slice(0, this.#problems);
    this.#problems -= admitted.length;
    if (admitted.length < problems.length) this.#isCut = true;
    return admitted;
  }

  /** Whether references were left out. No further ones need be looked for. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** Whether references or problems were left out. */
  get isCut(): boolean {
    return this.#isFull || this.#isCut;
  }
}

/** The fault of a word that exceeds the allowance. */
export const allowanceSpent: Fault = {
  code: 'too-large',
  message: `expected at most ${WHOLE} characters in all words of the root once their variables are replaced, and in the files that its units cite, found more`,
  hint: 'shorten the values of the variables, or write the images out',
};

/** The problem of a root that exceeds these limits. It counts as bound, since nobody knows what is left out. */
export const tooManyReferences: Problem = {
  code: 'too-many-entries',
  path: '/',
  message: `expected at most ${mostReferences} references to images in the whole root, and ${mostProblems} problems of its units, found more`,
  hint: 'look for a unit, a list or a file that names very many images; what lies behind the limit is not known',
  subject: { unitPath: '/', unit: '/', bind: true },
};
