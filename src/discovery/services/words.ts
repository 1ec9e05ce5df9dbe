import type { Fault } from '../problem.ts';

/** The kernel starts nothing with more (execve(2)): three quarters of the largest stack, 8 MiB. */
export const longestCommandLine = 6 * 1024 * 1024;

/** A word of a command line, as far as the root can tell what it is. */
export interface Word {
  /** The word itself; where `fault` is set, as it is written. */
  readonly text: string;
  /** As it is written in the unit, or in the script. */
  readonly raw: string;
  /** Whether a value of a file that not everybody may read stands in the word. */
  readonly isPrivate?: boolean;
  /** Why it is not known, or not all of it. */
  readonly fault?: Fault;
  /** It may be no word, or several. */
  readonly several?: boolean;
}
