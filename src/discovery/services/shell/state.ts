import { longestCommandLine, type Word } from '../words.ts';
import { NotUnderstood } from './cursor.ts';
import type { Command, Script } from './syntax.ts';

/** The value of a variable: one word, or those of an array. */
export interface Value {
  readonly words: readonly Word[];
  readonly isList: boolean;
}

/** A variable as it was before it was set for a while. */
export interface Kept {
  readonly isSet: boolean;
  readonly value: Value | undefined;
}

export type End = 'break' | 'continue' | 'return' | 'exit';

/** The state of a shell at one point of a script, copied where the script may go two ways. */
export interface State {
  /** What all ways through the script share. */
  readonly session: Session;
  /** The variables that the script sets; undefined for those that it unsets. */
  variables: Map<string, Value | undefined>;
  readonly exported: Set<string>;
  readonly functions: Map<string, Command>;
  /** `$0`, `$1`, …; undefined if they are not known. */
  args: readonly Word[] | undefined;
  /** Undefined if not known. */
  directory: string | undefined;
  /** `set -e`. */
  stopsAtFailure: boolean;
  /** `set -a`. */
  exportsAll: boolean;
  /** `set -o pipefail`. */
  pipesFail: boolean;
  readonly isInLoop: boolean;
  /** The output of another command that is the standard input; its text is absent if not known. */
  piped?: Pipe | undefined;
  /** Whether something that is not known may have set any variable. */
  mayHaveOthers: boolean;
  /** The values that `local` hides until the innermost function returns; absent outside of functions. */
  hidden?: Map<string, Kept> | undefined;
  /** The variables that are local to the functions further out. */
  readonly outerLocals: ReadonlySet<string>;
  /** How this way through the script came to its end; `exec` is an `exit`, too. */
  ended?: End | undefined;
}

export interface Pipe {
  readonly text?: string | undefined;
}

/** A command that a script runs. */
export interface ShellCommand {
  readonly words: readonly Word[];
  /** The variables that are assigned for this command alone, or exported before. */
  readonly variables: ReadonlyMap<string, Word>;
  /** Whether the script goes on, and may succeed, when the command fails. */
  readonly ignoresFailure: boolean;
  /** The directory in which it runs; absent if not known. */
  readonly directory?: string;
  /** The known text of its standard input: a here-document, or what another command prints. */
  readonly input: string;
  /** Whether its standard input is the output of another command, which is not known. */
  readonly isPiped: boolean;
  /** The file that is its standard input. */
  readonly inputFile?: Word;
}

export interface Surroundings {
  /** The variables that the shell gets. */
  readonly environment: ReadonlyMap<string, string>;
  /** Whether all other variables are unset. */
  readonly isWhole: boolean;
  readonly stopsAtFailure: boolean;
  /** `$0`, `$1`, … */
  readonly args: readonly Word[];
  readonly directory?: string | undefined;
  /** The text of a file that the script includes; undefined if the root does not have it. */
  readonly readFile: (path: string) => string | undefined;
  /** The path behind all links. */
  readonly realPath: (path: string) => string;
  /** The files of the root that a pattern in an absolute path matches. */
  readonly matching: (pattern: string) => readonly string[];
}

/** A program that prints something. */
export interface Printing {
  readonly words: readonly Word[];
  /** Its standard input, if that is known. */
  readonly input?: string | undefined;
  /** Whether the output goes elsewhere. */
  readonly isRedirected: boolean;
}

/** Whether the failure of a command ends the script, or is that of the script. */
export interface Failure {
  /** Whether the command is the last one of the script. */
  readonly isLast: boolean;
  /** Whether `set -e` counts for it. */
  readonly isChecked: boolean;
}

/** The commands and costs that add up while one script is evaluated. */
export interface Session {
  readonly surroundings: Surroundings;
  readonly commands: ShellCommand[];
  /** The programs that ran in the innermost `$(…)` or before the innermost `|`. */
  printing: Printing[];
  /** The variables that are never known: they change what is assigned, or change at any time. */
  readonly unsteady: Set<string>;
  /** The ways that left the innermost loops and functions. */
  left: State[];
  /** The nesting of functions and files. */
  depth: number;
  steps: number;
  size: number;
  readonly runList: (script: Script, state: State, failure: Failure) => boolean | undefined;
}

/** The most commands and copies of states in one evaluation: loops in loops multiply them. */
const mostSteps = 20_000;

const deepest = 32;

export function spendSteps(session: Session, count: number): void {
  session.steps += count;
  if (session.steps > mostSteps) throw new NotUnderstood();
}

export function spendSize(session: Session, size: number): void {
  session.size += size;
  if (session.size > longestCommandLine) throw new NotUnderstood();
}

/** How many comparisons of characters count as one step. */
const costOfStep = 64 * 1024;

/** Spends what it takes to compare a text with a pattern so many times. */
export function spendMatch(session: Session, text: string, pattern: string, times = 1): void {
  spendSteps(session, Math.floor((text.length * pattern.length * times) / costOfStep));
}

/** Runs something a level deeper: a function or a file. */
export function deeper<T>(session: Session, run: () => T): T {
  session.depth++;
  if (session.depth > deepest) throw new NotUnderstood();
  const result = run();
  session.depth--;
  return result;
}
