import type { Word } from '../words.ts';
import { NotUnderstood } from './cursor.ts';
import { expanded, expandedAsOne } from './expand.ts';
import { matches } from './pattern.ts';
import { readScript } from './read-script.ts';
import { runSimple } from './run-simple.ts';
import {
  type Failure,
  forked,
  join,
  leaving,
  type Session,
  type ShellCommand,
  type State,
  type Surroundings,
  setVariable,
  spendMatch,
  spendSteps,
  unknownValue,
  unquoted,
} from './state.ts';
import type { Command, Script } from './syntax.ts';

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
    left: [],
    depth: 0,
    steps: 0,
    size: 0,
    runList,
  };
  const state: State = {
    variables: new Map(),
    exported: new Set(),
    functions: new Map(),
    args: surroundings.args,
    directory: surroundings.directory,
    stopsAtFailure: surroundings.stopsAtFailure,
    exportsAll: false,
    pipesFail: false,
    isInLoop: false,
    isPiped: false,
    mayHaveOthers: false,
  };
  try {
    runList(script, state, session, { isLast: true, isChecked: true });
  } catch (error) {
    if (error instanceof NotUnderstood) return undefined;
    throw error;
  }
  return session.commands;
}

const ignored: Failure = { isLast: false, isChecked: false };

/** Runs commands one after the other; the status is undefined if it depends on the host. */
function runList(
  script: Script,
  state: State,
  session: Session,
  failure: Failure,
): boolean | undefined {
  let status: boolean | undefined = true;
  for (const [at, item] of script.entries()) {
    if (state.ended !== undefined) return status;
    const before = script[at - 1]?.operator;
    const isChained = before === '&&' || before === '||';
    if (isChained && status === (before === '||')) continue;
    const own = failureOf(script, at, state, failure);
    const isAlone = item.operator === '|' || item.operator === '&' || before === '|';
    if (isChained && status === undefined) {
      const way = forked(state, session);
      run(item.command, way, session, own);
      join(state, [state, way], session);
    } else if (isAlone) {
      const way = forked(state, session);
      if (before === '|') way.isPiped = true;
      run(item.command, way, session, own);
      status = item.operator === '&' ? true : undefined;
    } else status = run(item.command, state, session, own);
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

function run(
  command: Command,
  state: State,
  session: Session,
  failure: Failure,
): boolean | undefined {
  switch (command.kind) {
    case 'simple':
      return runSimple(command, state, session, failure, run);
    case 'not': {
      const status = run(command.command, state, session, ignored);
      return status === undefined ? undefined : !status;
    }
    case 'group':
      return runList(
        command.body,
        command.isSubshell ? forked(state, session) : state,
        session,
        failure,
      );
    case 'if':
      return runIf(command, state, session, failure);
    case 'while':
      runLoop(
        () => runList(command.condition, state, session, ignored),
        command.body,
        state,
        session,
      );
      return undefined;
    case 'for':
      return runFor(command, state, session, failure);
    case 'case':
      return runCase(command, state, session, failure);
    case 'function':
      state.functions.set(command.name, command.body);
      return true;
    case 'arithmetic':
      for (const [, name = ''] of command.text.matchAll(
        /([A-Za-z_]\w*)\s*(?:[-+*/%]?=|\+\+|--)/g,
      )) {
        setVariable(state, name, unknownValue(name));
      }
      return undefined;
  }
}

function runIf(
  { branches, otherwise }: Command & { kind: 'if' },
  state: State,
  session: Session,
  failure: Failure,
): boolean | undefined {
  const ways: State[] = [];
  for (const { condition, body } of branches) {
    const status = runList(condition, state, session, ignored);
    if (status === false) continue;
    const way = status === true ? state : forked(state, session);
    runList(body, way, session, failure);
    ways.push(way);
    if (status !== true) continue;
    join(state, ways, session);
    return undefined;
  }
  runList(otherwise, state, session, failure);
  join(state, [...ways, state], session);
  return undefined;
}

/**
 * Runs the body of a loop once for all rounds. A first run, whose commands don't count, finds the
 * variables that the body changes: they are not known from the start.
 */
function runLoop(before: () => void, body: Script, state: State, session: Session): void {
  const probe = forked(state, session);
  const emitted = session.commands.length;
  runRound(body, probe, session, ignored);
  session.commands.length = emitted;
  join(state, [state, { ...probe, ended: undefined }], session);
  before();
  const way = forked(state, session);
  runRound(body, way, session, ignored);
  join(state, [state, way], session);
}

/** Runs the body of a loop once. Ways that leave the loop with `break` go on behind the loop. */
function runRound(body: Script, state: State, session: Session, failure: Failure): void {
  const inside = { ...state, isInLoop: true };
  leaving(session, inside, ['break', 'continue'], () => runList(body, inside, session, failure));
  Object.assign(state, inside, { isInLoop: state.isInLoop });
}

/** The most words for which a loop is run word by word. */
const mostRounds = 200;

function runFor(
  { name, words, body }: Command & { kind: 'for' },
  state: State,
  session: Session,
  failure: Failure,
): boolean | undefined {
  const values =
    words?.flatMap((word) => expanded(word, state, session, failure)) ?? state.args?.slice(1);
  const isKnown =
    values !== undefined &&
    values.length <= mostRounds &&
    values.every(({ fault, several }) => fault === undefined || several !== true);
  if (!isKnown) {
    const set = () => setVariable(state, name, unknownValue(name));
    set();
    runLoop(set, body, state, session);
    return undefined;
  }
  const inside = { ...state, isInLoop: true };
  leaving(session, inside, ['break'], () => {
    for (const value of values) {
      if (inside.ended !== undefined) return;
      setVariable(inside, name, { words: [unquoted(value)], isList: false });
      leaving(session, inside, ['continue'], () => runList(body, inside, session, failure));
    }
  });
  Object.assign(state, inside, { isInLoop: state.isInLoop });
  return undefined;
}

function runCase(
  { subject, branches }: Command & { kind: 'case' },
  state: State,
  session: Session,
  failure: Failure,
): boolean | undefined {
  const word = expandedAsOne(subject, state, session, failure);
  const ways: State[] = [];
  for (const [at, { patterns, end }] of branches.entries()) {
    const found = patterns.map((pattern) =>
      matched(
        session,
        word,
        pattern.parts.every(({ kind }) => kind !== 'commands') ? pattern.raw : undefined,
      ),
    );
    const isCertain = found.includes(true);
    if (!isCertain && !found.includes(undefined)) continue;
    const way = isCertain ? state : forked(state, session);
    const last = runBranches(branches.slice(at), way, session, failure) ?? end;
    if (last === ';;&') {
      if (!isCertain) join(state, [state, way], session);
      continue;
    }
    ways.push(way);
    if (!isCertain) continue;
    join(state, ways, session);
    return undefined;
  }
  join(state, [...ways, state], session);
  return undefined;
}

/** Runs the first branch, and the next ones as far as `;&` leads; returns how the last one ends. */
function runBranches(
  branches: (Command & { kind: 'case' })['branches'],
  state: State,
  session: Session,
  failure: Failure,
): string | undefined {
  for (const { body, end } of branches) {
    spendSteps(session, 1);
    runList(body, state, session, failure);
    if (end !== ';&') return end;
  }
  return undefined;
}

/** Whether a word matches a pattern as written; undefined if that is not known. */
function matched(session: Session, word: Word, written: string | undefined): boolean | undefined {
  const pattern = written?.replace(/^(["'])([^"'$`\\*?[]*)\1$/, '$2');
  if (pattern === '*') return true;
  if (pattern === undefined || word.fault !== undefined || /["'$`]/.test(pattern)) return undefined;
  spendMatch(session, word.text, pattern);
  return matches(word.text, pattern);
}
