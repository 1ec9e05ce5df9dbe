import type { Fault } from '../problem.ts';

/**
 * The longest command line that the kernel accepts, in bytes (execve(2)): 3/4 of the 8 MiB stack.
 */
export const longestCommandLine = 6 * 1024 * 1024;

/** A word of a command line, as far as it can be known from the root. */
export interface Word {
  /** The expanded word; if `fault` is set, the word as written, with known variables replaced. */
  readonly text: string;
  /** The word as written in the unit or in the script. */
  readonly raw: string;
  /** Whether the word holds a value from a file that not everybody may read. */
  readonly isPrivate?: boolean;
  /** Why the word is not completely known. */
  readonly fault?: Fault;
  /** Whether the word may turn out as no word, or as several. */
  readonly several?: boolean;
  /** What the shell can read from the path, if the word is that of a pipe: `<(cat FILE)`. */
  readonly printed?: string;
}
