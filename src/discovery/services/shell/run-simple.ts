import type { Word } from '../words.ts';
import { builtins } from './builtins.ts';
import { expanded, expandedAsOne } from './expand.ts';
import { declaring } from './read-simple.ts';
import {
  deeper,
  type Failure,
  type Kept,
  kept,
  leaving,
  restore,
  type Session,
  type State,
  setVariable,
  spendSteps,
  unknownValue,
  type Value,
} from './state.ts';
import type { Assignment, Command, ShellWord, SimpleCommand } from './syntax.ts';

/** Runs a command of another kind: the body of a function. */
type Run = (
  command: Command,
  state: State,
  session: Session,
  failure: Failure,
) => boolean | undefined;

/** Runs a function, a command of the shell, or adds the program that a simple command starts. */
export function runSimple(
  command: SimpleCommand,
  state: State,
  session: Session,
  failure: Failure,
  run: Run,
): boolean | undefined {
  spendSteps(session, 1);
  const inner: Failure = command.words.length === 0 ? failure : { isLast: false, isChecked: false };
  const isTest = ['[', '[[', 'test'].includes(command.words[0]?.raw ?? '');
  const words = command.words.flatMap((word) => expanded(word, state, session, inner, isTest));
  const asOne = (word: ShellWord) => expandedAsOne(word, state, session, inner);
  const input = command.inputs.map((word) => asOne(word).text).join('\n');
  const files = command.files.map(({ word, isInput }) => ({ file: asOne(word), isInput }));
  const inputFile = files.findLast(({ isInput }) => isInput)?.file;
  const name = words[0]?.text ?? '';
  const isDeclared = declaring.has(name);
  const before = new Map(command.assignments.map((one) => [one.name, kept(state, one.name)]));
  const assigned = command.assignments.map((assignment): [string, Value] => {
    const value = valueOf(assignment, state, session, inner);
    // A later assignment may use the value, but the arguments of `local` are all expanded before.
    if (!isDeclared) setVariable(state, assignment.name, value);
    return [assignment.name, value];
  });
  if (words.length === 0 || isDeclared) {
    if (isDeclared) declare(words, assigned, before, state);
    return command.assignments.every(({ words: given }) => given.every(hasNoCommands)) || undefined;
  }
  const status = runWords(words, { assigned, input, inputFile }, state, session, failure, run);
  for (const [variable, value] of before) restore(state, variable, value);
  return status;
}

interface Given {
  readonly assigned: readonly [string, Value][];
  readonly input: string;
  readonly inputFile: Word | undefined;
}

function runWords(
  words: readonly Word[],
  given: Given,
  state: State,
  session: Session,
  failure: Failure,
  run: Run,
): boolean | undefined {
  const [first, ...args] = words;
  const name = first?.text ?? '';
  const body = state.functions.get(name);
  if (body !== undefined) return callFunction(body, words, state, session, failure, run);
  if (name === 'exec' || name === 'command' || name === 'builtin') {
    const [option] = args;
    if (option === undefined) return undefined;
    if (/^-[vV]$/.test(option.text)) {
      session.printing.push(words);
      return undefined;
    }
    const rest = args.slice(args.findIndex(({ text }) => !text.startsWith('-')));
    const status = runWords(rest, given, state, session, failure, run);
    if (name === 'exec') state.ended = 'exit';
    return status;
  }
  const builtin = builtins.get(name);
  if (builtin !== undefined) return builtin(words, state, session, failure);
  session.printing.push(words);
  session.commands.push({
    words,
    variables: exportedTo(given.assigned, state, session),
    ignoresFailure: !failure.isLast && !failure.isChecked,
    ...(state.directory === undefined ? {} : { directory: state.directory }),
    input: given.input,
    isPiped: state.isPiped && given.input === '' && given.inputFile === undefined,
    ...(given.inputFile === undefined ? {} : { inputFile: given.inputFile }),
  });
  return undefined;
}

function callFunction(
  body: Command,
  [first, ...args]: readonly Word[],
  state: State,
  session: Session,
  failure: Failure,
  run: Run,
): boolean | undefined {
  const { args: outer, isInLoop } = state;
  const own = [...(outer?.slice(0, 1) ?? (first === undefined ? [] : [first])), ...args];
  const hidden = new Map<string, Kept>();
  const inside: State = { ...state, args: own, isInLoop: false, hidden };
  leaving(session, inside, ['return'], () => {
    deeper(session, () => run(body, inside, session, failure));
  });
  for (const [variable, value] of hidden) restore(inside, variable, value);
  Object.assign(state, inside, { args: outer, isInLoop, hidden: state.hidden });
  return undefined;
}

/** The most variables that a command may get: each command gets a copy of all. */
const mostExported = 256;

function exportedTo(
  assigned: Given['assigned'],
  { exported, variables }: State,
  { surroundings: { environment } }: Session,
): ReadonlyMap<string, Word> {
  // A variable that the shell got is exported, whatever the script makes of it.
  const own = [...variables.keys()].filter((name) => environment.has(name));
  const names = [...new Set([...exported, ...own])].slice(0, mostExported);
  const values = [...names.map((name) => [name, variables.get(name)] as const), ...assigned];
  return new Map(
    values.flatMap(([name, value]): [string, Word][] => {
      const word = value?.isList === true ? undefined : value?.words[0];
      return word === undefined ? [] : [[name, word]];
    }),
  );
}

function declare(
  words: readonly Word[],
  assigned: Given['assigned'],
  before: ReadonlyMap<string, Kept>,
  state: State,
): void {
  const [program, ...args] = words;
  const isLocal = /^(?:local|declare|typeset)$/.test(program?.text ?? '');
  for (const [name, value] of assigned) {
    if (isLocal && state.hidden?.has(name) === false)
      state.hidden.set(name, before.get(name) ?? kept(state, name));
    setVariable(state, name, value);
  }
  for (const { text } of isLocal && state.hidden !== undefined ? args : []) {
    if (!/^[A-Za-z_]\w*$/.test(text)) continue;
    if (!state.hidden?.has(text)) state.hidden?.set(text, kept(state, text));
    setVariable(state, text, unknownValue(text));
  }
  const exports = program?.text === 'export' || args.some(({ text }) => /^-[A-Za-z]*x/.test(text));
  if (!exports) return;
  for (const [name] of assigned) state.exported.add(name);
  for (const { text } of args) if (/^[A-Za-z_]\w*$/.test(text)) state.exported.add(text);
}

function valueOf(
  { name, isPartial, isList, words }: Assignment,
  state: State,
  session: Session,
  failure: Failure,
): Value {
  const own = isList
    ? words.flatMap((word) => expanded(word, state, session, failure))
    : [expandedAsOne(words[0], state, session, failure)];
  if (!isPartial) return { words: own, isList };
  const before = state.variables.get(name);
  if (before === undefined) return isList ? { words: own, isList } : unknownValue(name);
  if (before.isList) {
    return isList ? { words: [...before.words, ...own], isList } : unknownValue(name);
  }
  const [a, b] = [before.words[0], own[0]];
  if (isList || a === undefined || b === undefined) return unknownValue(name);
  if (a.fault !== undefined || b.fault !== undefined) return unknownValue(name);
  return { words: [{ text: a.text + b.text, raw: b.raw }], isList: false };
}

function hasNoCommands({ parts }: Assignment['words'][number]): boolean {
  return parts.every(({ kind }) => kind !== 'commands');
}
