import type { Fault } from '../../problem.ts';
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
  /** Whether the standard input is the output of another command. */
  isPiped: boolean;
  /** Whether a file that is not known was included, which may set any variable. */
  mayHaveOthers: boolean;
  /** The values that `local` hides until the innermost function returns; absent outside of functions. */
  readonly hidden?: Map<string, Kept>;
  /** How this way through the script came to its end; `exec` is an `exit`, too. */
  ended?: End | undefined;
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
  /** The text of its here-documents. */
  readonly input: string;
  /** Whether its standard input is the output of another command. */
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
  /** The programs that ran in the innermost `$(…)`, each with its words. */
  printing: (readonly Word[])[];
  /** The ways that left the innermost loops and functions. */
  left: State[];
  /** The nesting of functions and files. */
  depth: number;
  steps: number;
  size: number;
  readonly runList: (
    script: Script,
    state: State,
    session: Session,
    failure: Failure,
  ) => boolean | undefined;
}

/** The most commands and copies of states in one evaluation: loops in loops multiply them. */
const mostSteps = 20_000;
const mostVariables = 1000;
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

export function forked(state: State, session: Session): State {
  const { variables, exported, functions } = state;
  spendSteps(session, 1 + Math.ceil((variables.size + exported.size + functions.size) / 8));
  return {
    ...state,
    variables: new Map(variables),
    exported: new Set(exported),
    functions: new Map(functions),
  };
}

export function setVariable(state: State, name: string, value: Value | undefined): void {
  state.variables.set(name, value);
  if (state.variables.size > mostVariables) throw new NotUnderstood();
  if (state.exportsAll) state.exported.add(name);
}

/** A variable as it is now, to be restored later. */
export function kept({ variables }: State, name: string): Kept {
  return { isSet: variables.has(name), value: variables.get(name) };
}

export function restore({ variables }: State, name: string, { isSet, value }: Kept): void {
  if (isSet) variables.set(name, value);
  else variables.delete(name);
}

/**
 * Runs a loop or a function, which `break`, `continue` or `return` may leave. Behind it, the ways that
 * left it meet again.
 *
 * @param ends the ways to leave that end here; others leave an outer loop or function, too.
 */
export function leaving(
  session: Session,
  state: State,
  ends: readonly End[],
  run: () => void,
): void {
  const outer = session.left;
  session.left = [];
  run();
  const isHere = ({ ended }: State) => ended !== undefined && ends.includes(ended);
  const [here, beyond] = [session.left.filter(isHere), session.left.filter((way) => !isHere(way))];
  session.left = [...outer, ...beyond];
  if (isHere(state)) state.ended = undefined;
  if (here.length === 0) return;
  const ways = [state, ...here.map((way) => ({ ...way, ended: undefined }))];
  join(state, ways, session);
}

/** Makes `state` that behind several ways, one of which the script takes, depending on the host. */
export function join(state: State, ways: readonly State[], session: Session): void {
  const going = ways.filter(({ ended }) => ended === undefined);
  for (const way of ways) {
    if (way.ended !== undefined && way.ended !== 'exit') session.left.push(forked(way, session));
  }
  const [first, ...others] = going;
  if (first === undefined) {
    state.ended = ways[0]?.ended;
    return;
  }
  const names = new Set(going.flatMap(({ variables }) => [...variables.keys()]));
  const variables = new Map<string, Value | undefined>();
  for (const name of names) {
    const value = first.variables.get(name);
    const isSame = others.every((other) => isEqual(other, first, name));
    variables.set(name, isSame ? value : unknownValue(name));
  }
  const isSame = (key: 'args' | 'directory') => others.every((one) => one[key] === first[key]);
  const [args, directory] = [
    isSame('args') ? first.args : undefined,
    isSame('directory') ? first.directory : undefined,
  ];
  const functions = new Map<string, Command>();
  for (const way of going) {
    for (const name of way.exported) state.exported.add(name);
    for (const [name, body] of way.functions) {
      functions.set(name, eitherBody(functions.get(name) ?? body, body));
    }
  }
  Object.assign(state, { variables, functions, args, directory, ended: undefined });
  state.stopsAtFailure = going.some(({ stopsAtFailure }) => stopsAtFailure);
  state.mayHaveOthers = going.some(({ mayHaveOthers }) => mayHaveOthers);
}

/** A condition of which nobody knows whether it is met. */
const perhaps: Script = [{ command: { kind: 'arithmetic', text: '' }, operator: ';' }];

/** The most bodies of one function that a script may choose from. */
const mostBodies = 64;

/** The body of a function that several ways define, each with a body of its own. */
function eitherBody(one: Command, other: Command): Command {
  if (one === other) return one;
  const [last, ...others] = new Set([...bodiesOf(one), ...bodiesOf(other)]);
  if (others.length >= mostBodies) throw new NotUnderstood();
  const branches = others.map((command) => ({ condition: perhaps, body: alone(command) }));
  return { kind: 'if', branches, otherwise: last === undefined ? [] : alone(last) };
}

function bodiesOf(body: Command): readonly Command[] {
  if (body.kind !== 'if' || body.branches[0]?.condition !== perhaps) return [body];
  return [body.otherwise, ...body.branches.map((branch) => branch.body)].flatMap((script) =>
    script.map(({ command }) => command),
  );
}

function alone(command: Command): Script {
  return [{ command, operator: ';' }];
}

function isEqual(one: State, other: State, name: string): boolean {
  if (one.variables.has(name) !== other.variables.has(name)) return false;
  const [a, b] = [one.variables.get(name), other.variables.get(name)];
  if (a === b) return true;
  if (a === undefined || b === undefined || a.words.length !== b.words.length) return false;
  return a.words.every(
    ({ text, fault }, at) =>
      text === b.words[at]?.text && fault === undefined && b.words[at].fault === undefined,
  );
}

export function unknownValue(name: string): Value {
  const raw = `$${name}`;
  return { words: [{ text: raw, raw, fault: unknownVariable, several: true }], isList: false };
}

export const unknownVariable: Fault = {
  code: 'variable',
  message:
    'expected the unit or the script to set the variables that name an image, found one that is not set, or depends on the host',
  hint: 'set the variable with Environment= in [Service], or write the value out',
};

/** A word as the value of a variable: without quotes, what is not known may become several words. */
export function unquoted(word: Word): Word {
  return word.fault === undefined ? word : { ...word, several: true };
}
