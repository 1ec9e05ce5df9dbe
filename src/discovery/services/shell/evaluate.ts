import type { Word } from '../words.ts';
import { NotUnderstood } from './cursor.ts';
import { expanded, expandedAsOne } from './expand.ts';
import { captured } from './output.ts';
import { matches } from './pattern.ts';
import { readScript } from './read-script.ts';
import { redirect, runSimple } from './run-simple.ts';
import {
  type Failure,
  type Pipe,
  type Session,
  type ShellCommand,
  type State,
  type Surroundings,
  spendMatch,
  spendSteps,
} from './state.ts';
import type { Command, Script, ShellWord } from './syntax.ts';
import { loseChanged, loseVariable, setVariable, unquoted } from './variables.ts';
import { alone, forked, join, leaving } from './ways.ts';

/**
 * The commands that a script may run, with their words as far as the root tells them. Where the way
 * that the script takes depends on the host, the commands of all ways count, and variables that differ
 * are not known behind them.
 *
 * @returns undefined if the script is not understood.
 */
export function shellCommands(
  text: string,
  surroundings: Surroundings,
): readonly ShellCommand[] | undefined {
  const script = readScript(text);
  if (script === undefined) return undefined;
  const session: Session = {
    surroundings,
    commands: [],
    printing: [],
    unsteady: new Set(),
    left: [],
    depth: 0,
    steps: 0,
    size: 0,
    runList,
  };
  const state: State = {
    session,
    variables: new Map(),
    exported: new Set(),
    functions: new Map(),
    args: surroundings.args,
    directory: surroundings.directory,
    stopsAtFailure: surroundings.stopsAtFailure,
    exportsAll: false,
    pipesFail: false,
    isInLoop: false,
    mayHaveOthers: false,
    outerLocals: new Set(),
  };
  try {
    runList(script, state, { isLast: true, isChecked: true });
  } catch (error) {
    if (error instanceof NotUnderstood) return undefined;
    throw error;
  }
  return session.commands;
}

const ignored: Failure = { isLast: false, isChecked: false };

/** Runs commands one after the other; the status is undefined if it depends on the host. */
function runList(script: Script, state: State, failure: Failure): boolean | undefined {
  let status: boolean | undefined = true;
  let pipe: Pipe | undefined;
  for (const [at, { command, operator }] of script.entries()) {
    if (state.ended !== undefined) return status;
    const before = script[at - 1]?.operator;
    const isChained = before === '&&' || before === '||';
    if (isChained && status === (before === '||')) continue;
    const own = failureOf(script, at, state, failure);
    const isAlone = operator === '|' || operator === '&' || before === '|';
    if (isChained && status === undefined) {
      const way = forked(state);
      run(command, way, own);
      join(state, [state, way]);
    } else if (isAlone) {
      const way = forked(state);
      if (before === '|') way.piped = pipe;
      pipe = captured(alone(command), way, () => run(command, way, own));
      status = operator === '&' ? true : undefined;
    } else status = run(command, state, own);
  }
  return status;
}

/** The effect that a failure of one command of a list has on the script. */
function failureOf(
  script: Script,
  at: number,
  { stopsAtFailure, pipesFail }: State,
  { isLast, isChecked }: Failure,
): Failure {
  let end = at;
  const operator = () => script[end]?.operator;
  for (; operator() === '&&' || operator() === '||' || operator() === '|'; end++) {
    if (operator() === '||' || (operator() === '|' && !pipesFail)) return ignored;
  }
  if (operator() === '&') return ignored;
  return {
    isLast: isLast && end >= script.length - 1,
    isChecked: isChecked && (stopsAtFailure || end > at),
  };
}

function run(command: Command, state: State, failure: Failure): boolean | undefined {
  switch (command.kind) {
    case 'simple':
      return runSimple(command, state, failure);
    case 'not': {
      const status = run(command.command, state, ignored);
      return status === undefined ? undefined : !status;
    }
    case 'redirected':
      return runRedirected(command, state, failure);
    case 'group':
      return runList(command.body, command.isSubshell ? forked(state) : state, failure);
    case 'if':
      return runIf(command, state, failure);
    case 'while':
      runLoop(() => runList(command.condition, state, ignored), command.body, state);
      return undefined;
    case 'for':
      return runFor(command, state, failure);
    case 'case':
      return runCase(command, state, failure);
    case 'function':
      state.functions.set(command.name, command.body);
      return true;
    case 'arithmetic':
      loseChanged(state, command.text);
      return undefined;
  }
}

/** Runs a compound command whose commands may read its standard input. */
function runRedirected(
  command: Command & { kind: 'redirected' },
  state: State,
  failure: Failure,
): boolean | undefined {
  const { input, inputFile } = redirect(command, state, failure);
  const { piped } = state;
  // Which part of the input each command reads is not known.
  if (input !== undefined || inputFile !== undefined) state.piped = {};
  const status = run(command.command, state, failure);
  state.piped = piped;
  return status;
}

/** A way that a script may take, such as a branch of `if`. */
interface Choice {
  /** Whether the way is taken; undefined if that depends on the host. */
  readonly isTaken: () => boolean | undefined;
  /** Runs the way, and returns whether others may follow. */
  readonly run: (way: State) => boolean;
}

/** Runs all ways that a script may take, up to the first that is certainly taken. */
function choose(state: State, choices: Iterable<Choice>): undefined {
  const ways: State[] = [];
  for (const choice of choices) {
    const isTaken = choice.isTaken();
    if (isTaken === false) continue;
    const way = isTaken === true ? state : forked(state);
    const goesOn = choice.run(way);
    if (goesOn) {
      if (isTaken === undefined) join(state, [state, way]);
      continue;
    }
    ways.push(way);
    if (isTaken === undefined) continue;
    join(state, ways);
    return;
  }
  join(state, [...ways, state]);
}

function runIf(
  { branches, otherwise }: Command & { kind: 'if' },
  state: State,
  failure: Failure,
): undefined {
  const choiceOf = (isTaken: Choice['isTaken'], body: Script): Choice => ({
    isTaken,
    run: (way) => {
      runList(body, way, failure);
      return false;
    },
  });
  const conditional = branches.map(({ condition, body }) =>
    choiceOf(() => runList(condition, state, ignored), body),
  );
  choose(state, [...conditional, choiceOf(() => true, otherwise)]);
}

/**
 * Runs the body of a loop once for all rounds. A first run, whose commands don't count, finds the
 * variables that the body changes: they are not known from the start.
 */
function runLoop(before: () => void, body: Script, state: State): void {
  const { session } = state;
  const probe = forked(state);
  const emitted = session.commands.length;
  runRound(body, probe, ignored);
  session.commands.length = emitted;
  join(state, [state, { ...probe, ended: undefined }]);
  before();
  const way = forked(state);
  runRound(body, way, ignored);
  join(state, [state, way]);
}

/** Runs the body of a loop once. Ways that leave the loop with `break` go on behind the loop. */
function runRound(body: Script, state: State, failure: Failure): void {
  const inside = { ...state, isInLoop: true };
  leaving(inside, ['break', 'continue'], () => runList(body, inside, failure));
  Object.assign(state, inside, { isInLoop: state.isInLoop });
}

/** The most words for which a loop is run word by word. */
const mostRounds = 200;

function runFor(
  { name, words, body }: Command & { kind: 'for' },
  state: State,
  failure: Failure,
): boolean | undefined {
  const values = words?.flatMap((word) => expanded(word, state, failure)) ?? state.args?.slice(1);
  const isKnown =
    values !== undefined &&
    values.length <= mostRounds &&
    values.every(({ fault, several }) => fault === undefined || several !== true);
  if (!isKnown) {
    const set = () => loseVariable(state, name);
    set();
    runLoop(set, body, state);
    return undefined;
  }
  const inside = { ...state, isInLoop: true };
  leaving(inside, ['break'], () => {
    for (const value of values) {
      if (inside.ended !== undefined) return;
      setVariable(inside, name, { words: [unquoted(value)], isList: false });
      leaving(inside, ['continue'], () => runList(body, inside, failure));
    }
  });
  Object.assign(state, inside, { isInLoop: state.isInLoop });
  return undefined;
}

function runCase(
  { subject, branches }: Command & { kind: 'case' },
  state: State,
  failure: Failure,
): undefined {
  const word = expandedAsOne(subject, state, failure);
  const choices = branches.map(
    ({ patterns, end }, at): Choice => ({
      isTaken: () => isMatched(patterns, word, state),
      run: (way) => (runBranches(branches.slice(at), way, failure) ?? end) === ';;&',
    }),
  );
  choose(state, choices);
}

/** Runs the first branch, and the next ones as far as `;&` leads; returns how the last one ends. */
function runBranches(
  branches: (Command & { kind: 'case' })['branches'],
  state: State,
  failure: Failure,
): string | undefined {
  for (const { body, end } of branches) {
    spendSteps(state.session, 1);
    runList(body, state, failure);
    if (end !== ';&') return end;
  }
  return undefined;
}

/** Whether a word matches one of some patterns; undefined if that is not known. */
function isMatched(
  patterns: readonly ShellWord[],
  word: Word,
  { session }: State,
): boolean | undefined {
  const found = patterns.map(({ raw, parts }) =>
    parts.some(({ kind }) => kind === 'commands') ? undefined : matched(session, word, raw),
  );
  return found.includes(true) || (found.includes(undefined) ? undefined : false);
}

/** Whether a word matches a pattern as written; undefined if that is not known. */
function matched(session: Session, word: Word, written: string): boolean | undefined {
  const pattern = written.replace(/^(["'])([^"'$`\\*?[]*)\1$/, '$2');
  if (pattern === '*') return true;
  if (word.fault !== undefined || /["'$`]/.test(pattern)) return undefined;
  spendMatch(session, word.text, pattern);
  return matches(word.text, pattern);
}
