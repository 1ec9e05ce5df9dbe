import type { Word } from '../words.ts';
import { builtins, type Given as GivenToBuiltin, special } from './builtins.ts';
import { expanded, expandedAsOne } from './expand.ts';
import { deeper, type Failure, type Kept, type State, spendSteps, type Value } from './state.ts';
import type { Assignment, Command, Redirections, ShellWord, SimpleCommand } from './syntax.ts';
import { kept, loseVariable, restore, setVariable, unknownValue } from './variables.ts';
import { alone, leaving } from './ways.ts';

/** Runs a function, a command of the shell, or adds the program that a simple command starts. */
export function runSimple(
  command: SimpleCommand,
  state: State,
  failure: Failure,
): boolean | undefined {
  spendSteps(state.session, 1);
  const inner: Failure = command.words.length === 0 ? failure : { isLast: false, isChecked: false };
  const isTest = ['[', '[[', 'test'].includes(command.words[0]?.raw ?? '');
  const words = command.words.flatMap((word) => expanded(word, state, inner, isTest));
  const redirected = redirect(command, state, inner);
  const before = new Map(command.assignments.map((one) => [one.name, kept(state, one.name)]));
  const assigned = command.assignments.map((assignment): [string, Value] => {
    const value = valueOf(assignment, state, inner);
    // A later assignment may use the value.
    setVariable(state, assignment.name, value);
    return [assignment.name, value];
  });
  if (words.length === 0) {
    return command.assignments.every(({ words: given }) => given.every(hasNoCommands)) || undefined;
  }
  const declared = command.declared.map((one) => ({ ...one, value: valueOf(one, state, inner) }));
  const status = runWords(words, { assigned, declared, ...redirected }, state, failure);
  for (const [variable, value] of before) {
    // Behind some commands of the shell itself dash keeps the value, and bash does not.
    if (special.has(words[0]?.text ?? '')) loseVariable(state, variable);
    else restore(state, variable, value);
  }
  return status;
}

/** The standard streams of a command, as far as its redirections tell them. */
interface Redirected {
  readonly input: string | undefined;
  readonly inputFile: Word | undefined;
  readonly isRedirected: boolean;
}

/** Expands the redirections of a command. */
export function redirect(
  { inputs, files }: Redirections,
  state: State,
  failure: Failure,
): Redirected {
  const asOne = (word: ShellWord) => expandedAsOne(word, state, failure);
  const texts = inputs.map((word) => asOne(word).text);
  const streams = files.map(({ word, stream, variable }) => {
    const file = asOne(word);
    if (variable !== undefined) loseVariable(state, variable);
    return { file, stream };
  });
  return {
    input: texts.length === 0 ? undefined : texts.join('\n'),
    inputFile: streams.findLast(({ stream }) => stream === 'input')?.file,
    isRedirected: streams.some(({ stream }) => stream === 'output'),
  };
}

interface Given extends Redirected, GivenToBuiltin {
  readonly assigned: readonly [string, Value][];
}

function runWords(
  words: readonly Word[],
  given: Given,
  state: State,
  failure: Failure,
): boolean | undefined {
  const body = state.functions.get(words[0]?.text ?? '');
  if (body !== undefined) return callFunction(body, words, state, failure);
  return runProgram(words, given, state, failure);
}

/** Runs a command of the shell itself, or adds the program that starts. */
function runProgram(
  words: readonly Word[],
  given: Given,
  state: State,
  failure: Failure,
): boolean | undefined {
  const name = words[0]?.text ?? '';
  if (name === 'exec' || name === 'command' || name === 'builtin') {
    return runBehind(name, words, given, state, failure);
  }
  const builtin = builtins.get(name);
  if (builtin !== undefined) return builtin(words, state, failure, given);
  const { inputFile } = given;
  const known = given.input ?? (inputFile === undefined ? state.piped?.text : undefined);
  const { isRedirected } = given;
  state.session.printing.push({ words, input: known, isRedirected });
  state.session.commands.push({
    words,
    variables: exportedTo(given.assigned, state),
    ignoresFailure: !failure.isLast && !failure.isChecked,
    ...(state.directory === undefined ? {} : { directory: state.directory }),
    input: known ?? '',
    isPiped: state.piped !== undefined && known === undefined && inputFile === undefined,
    ...(inputFile === undefined ? {} : { inputFile }),
  });
  return undefined;
}

/** Runs the command behind `exec`, `command` or `builtin`. */
function runBehind(
  name: string,
  words: readonly Word[],
  given: Given,
  state: State,
  failure: Failure,
): boolean | undefined {
  let at = 1;
  for (; words[at]?.text.startsWith('-') === true; at++) {
    const option = words[at]?.text ?? '';
    if (name === 'command' && /[vV]/.test(option)) {
      state.session.printing.push({ words, isRedirected: given.isRedirected });
      return undefined;
    }
    // `exec -a NAME` gives the program another name.
    if (name === 'exec' && option.endsWith('a')) at++;
  }
  if (at >= words.length) return undefined;
  const status = runProgram(words.slice(at), given, state, failure);
  if (name === 'exec') state.ended = 'exit';
  return status;
}

function callFunction(
  body: Command,
  [first, ...args]: readonly Word[],
  state: State,
  failure: Failure,
): boolean | undefined {
  const { args: outer, isInLoop, hidden, outerLocals } = state;
  const own = [...(outer?.slice(0, 1) ?? (first === undefined ? [] : [first])), ...args];
  const inside: State = {
    ...state,
    args: own,
    isInLoop: false,
    hidden: new Map<string, Kept>(),
    outerLocals: new Set([...outerLocals, ...(hidden?.keys() ?? [])]),
  };
  leaving(inside, ['return'], () => {
    deeper(state.session, () => state.session.runList(alone(body), inside, failure));
  });
  for (const [variable, value] of inside.hidden ?? []) restore(inside, variable, value);
  Object.assign(state, inside, { args: outer, isInLoop, hidden, outerLocals });
  return undefined;
}

/** The most variables that a command may get: each command gets a copy of all. */
const mostExported = 256;

function exportedTo(
  assigned: Given['assigned'],
  { exported, variables, session }: State,
): ReadonlyMap<string, Word> {
  const { environment } = session.surroundings;
  // A variable that the shell got is exported, whatever the script makes of it.
  const own = [...variables.keys()].filter((name) => name === 'PATH' || environment.has(name));
  const names = [...new Set([...exported, ...own])].slice(0, mostExported);
  const values = [...names.map((name) => [name, variables.get(name)] as const), ...assigned];
  return new Map(
    values.flatMap(([name, value]): [string, Word][] => {
      const word = value?.isList === true ? undefined : value?.words[0];
      return word === undefined ? [] : [[name, word]];
    }),
  );
}

function valueOf(
  { name, isAdded, isElement, isList, words }: Assignment,
  state: State,
  failure: Failure,
): Value {
  const own = isList
    ? words.flatMap((word) => expanded(word, state, failure))
    : [expandedAsOne(words[0], state, failure)];
  // An element with an index of its own may stand anywhere in the array.
  if (isElement || (isList && words.some(({ raw }) => raw.startsWith('[')))) {
    return unknownValue(name);
  }
  if (!isAdded) return { words: own, isList };
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
