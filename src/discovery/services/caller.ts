import type { Word } from './words.ts';

/** The effects of the programs that run a command, such as sudo and env, on the command. */
export interface Caller {
  /** The user as whom it runs; absent for the user of the service. */
  readonly user?: Word;
  /** Whether it does not get the environment of the service. */
  readonly resets: boolean;
  /** The directory in which it runs; absent for that of the service. */
  readonly directory?: Word;
  /** The variables that are set for it. */
  readonly variables: ReadonlyMap<string, Word>;
}

/** The caller of a command that the service starts itself. */
export const directCaller: Caller = { resets: false, variables: new Map() };
