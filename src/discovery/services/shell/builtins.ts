import { posix } from 'node:path';
import { mentionsPrograms, seemsToStart } from '../mentions.ts';
import type { Word } from '../words.ts';
import { NotUnderstood } from './cursor.ts';
import { type Declared, declare } from './declare.ts';
import { readScript } from './read-script.ts';
import { declaring } from './read-simple.ts';
import { deeper, type End, type Failure, type State } from './state.ts';
import { testResult } from './test-command.ts';
import { isSeveral, loseAll, loseChanged, loseVariable, setVariable } from './variables.ts';
import { forked, leaving } from './ways.ts';

/** What a command gets besides its words. */
export interface Given {
  /** The arguments of `export` and its like that the shell reads as assignments. */
  readonly declared: readonly Declared[];
  /** Whether its output goes elsewhere. */
  readonly isRedirected: boolean;
}

/** Runs a command of the shell itself and returns its status; `undefined` if not known. */
type Builtin = (
  words: readonly Word[],
  state: State,
  failure: Failure,
  given: Given,
) => boolean | undefined;

const nothing: Builtin = () => undefined;
const succeeds: Builtin = () => true;
const ends =
  (how: End): Builtin =>
  (_, state) => {
    state.ended = how;
    return undefined;
  };
const leavesLoop =
  (how: End): Builtin =>
  ([, count], state) => {
    // `break 2` leaves another loop, which is not followed.
    if (count !== undefined) throw new NotUnderstood();
    if (state.isInLoop) state.ended = how;
    return true;
  };
const loses: Builtin = ([, ...names], state) => loseNamed(names, state);
const calculates: Builtin = ([, ...words], state) => {
  if (words.some(({ fault }) => fault !== undefined)) loseAll(state);
  for (const { text } of words) loseChanged(state, text);
  return undefined;
};
/** Behaviour of the shell that changes how commands are read, and is not followed. */
const unread = /^(?:lastpipe|nocasematch|expand_aliases|keyword|posix)$/;

/** The commands behind which dash keeps the variables that are assigned before them. Source: POSIX. */
export const special: ReadonlySet<string> = new Set(
  ': . eval exec export readonly return set shift source times trap unset'.split(' '),
);

export const builtins: ReadonlyMap<string, Builtin> = new Map<string, Builtin>([
  [':', succeeds],
  ['true', succeeds],
  ['false', () => false],
  ['[', (words) => testResult(words)],
  ['[[', (words) => testResult(words)],
  ['test', (words) => testResult(words)],
  ['cd', changeDirectory],
  ['pushd', changeDirectory],
  [
    'popd',
    (_, state) => {
      state.directory = undefined;
      return true;
    },
  ],
  ['.', source],
  ['source', source],
  ['eval', evaluate],
  ['trap', trap],
  ['set', setOptions],
  ['shift', shift],
  ['unset', unset],
  ['alias', alias],
  ['printf', print],
  ['exit', ends('exit')],
  ['return', ends('return')],
  ['break', leavesLoop('break')],
  ['continue', leavesLoop('continue')],
  ['read', loses],
  ['mapfile', loses],
  ['readarray', loses],
  ['getopts', loses],
  ['let', calculates],
  ['shopt', shopt],
  ['wait', loses],
  ...[...declaring].map((name): [string, Builtin] => [
    name,
    (words, state, _, { declared }) => declare(words, declared, state),
  ]),
  ...'bg disown enable fg hash jobs times type ulimit umask unalias'
    .split(' ')
    .map((name): [string, Builtin] => [name, nothing]),
]);

function changeDirectory([, ...args]: readonly Word[], state: State): boolean {
  const words = args.filter(({ text }) => !/^-[-PLe]$/.test(text));
  const [to] = words;
  const isKnown = to !== undefined && to.fault === undefined && to.text !== '-';
  const isWhole = to?.text.startsWith('/') === true || state.directory !== undefined;
  state.directory = isKnown && isWhole ? posix.resolve(state.directory ?? '/', to.text) : undefined;
  return true;
}

/** The directories of the OS itself; in all others the booted host may have further files. */
const ofTheOs = /^\/(?:bin|etc|lib\w*|opt|sbin|usr)\//;

/** Reads the commands of a file, mostly variables. */
function source([, file]: readonly Word[], state: State, failure: Failure): undefined {
  const { text = '', fault } = file ?? {};
  const isKnown =
    fault === undefined &&
    text.includes('/') &&
    (text.startsWith('/') || state.directory !== undefined);
  const named = isKnown ? posix.resolve(state.directory ?? '/', text) : undefined;
  const path = named?.startsWith('/dev/') === true ? undefined : named;
  const content =
    file?.printed ?? (path === undefined ? undefined : state.session.surroundings.readFile(path));
  if (content !== undefined) {
    // `return` ends the file.
    leaving(state, ['return'], () => runText(content, state, failure));
  } else if (path === undefined || !ofTheOs.test(path)) {
    if (seemsToStart(file?.raw ?? '')) throw new NotUnderstood();
    loseAll(state);
  }
}

function evaluate(
  [, ...words]: readonly Word[],
  state: State,
  failure: Failure,
): boolean | undefined {
  if (words.some(({ fault }) => fault !== undefined)) throw new NotUnderstood();
  return runText(words.map(({ text }) => text).join(' '), state, failure);
}

function runText(text: string, state: State, failure: Failure) {
  const script = readScript(text);
  if (script === undefined) throw new NotUnderstood();
  const { session } = state;
  return deeper(session, () => session.runList(script, state, failure));
}

/** Runs the action of a trap. Unless it runs at the exit, it may change variables at any time. */
function trap([, action, ...conditions]: readonly Word[], state: State): undefined {
  if (action === undefined) return;
  if (action.fault !== undefined) {
    if (seemsToStart(action.text)) throw new NotUnderstood();
    return;
  }
  const copy = forked(state);
  runText(action.text, copy, { isLast: false, isChecked: false });
  if (conditions.every(({ text }) => /^(?:EXIT|0)$/.test(text))) return;
  for (const [name, value] of copy.variables) {
    if (value === state.variables.get(name)) continue;
    state.session.unsteady.add(name);
    loseVariable(state, name);
  }
}

function shopt([, option, ...names]: readonly Word[]): undefined {
  if (option?.text !== '-u' && names.some(({ text }) => unread.test(text)))
    throw new NotUnderstood();
}

function setOptions([, ...words]: readonly Word[], state: State): boolean {
  for (const [at, { text, fault }] of words.entries()) {
    if (fault !== undefined || text === '--' || !/^[-+]/.test(text)) {
      if (/^[-+]?o$|pipefail|errexit|allexport/.test(text)) continue;
      const args = words.slice(text === '--' ? at + 1 : at);
      state.args = state.args === undefined ? undefined : [...state.args.slice(0, 1), ...args];
      return true;
    }
    const isOn = text.startsWith('-');
    if (isOn && text.includes('k')) throw new NotUnderstood();
    const named = text.endsWith('o') ? words[at + 1]?.text : undefined;
    if (named === 'pipefail') state.pipesFail = isOn;
    if (named === 'errexit' || text.includes('e')) state.stopsAtFailure = isOn;
    if (named === 'allexport' || text.includes('a')) state.exportsAll = isOn;
  }
  return true;
}

function shift([, count]: readonly Word[], state: State): boolean | undefined {
  const by = Number(count?.text ?? 1);
  const [first, ...args] = state.args ?? [];
  const isKnown =
    first !== undefined &&
    count?.fault === undefined &&
    Number.isInteger(by) &&
    !args.slice(0, by).some(isSeveral);
  state.args = isKnown ? [first, ...args.slice(by)] : undefined;
  return isKnown && args.length >= by ? true : undefined;
}

/** An alias that changes which program runs is not followed. */
function alias([, ...words]: readonly Word[]): undefined {
  const isUnread = ({ text, fault }: Word) => fault !== undefined || mentionsPrograms(text);
  if (words.some(isUnread)) throw new NotUnderstood();
}

function print(
  words: readonly Word[],
  state: State,
  _: Failure,
  { isRedirected }: Given,
): undefined {
  const [, option, name] = words;
  if (option?.text.startsWith('-v') !== true) {
    state.session.printing.push({ words, isRedirected });
  } else if (option.text === '-v') loseNamed(name === undefined ? [] : [name], state);
  else loseNamed([{ ...option, text: option.text.slice(2) }], state);
}

function unset([, ...names]: readonly Word[], state: State): boolean {
  const isOfFunctions = names.some(({ text }) => text === '-f');
  for (const word of names) {
    if (isOfFunctions) state.functions.delete(word.text);
    else if (word.fault !== undefined || word.text.includes('[')) loseNamed([word], state);
    else if (/^[A-Za-z_]\w*$/.test(word.text)) setVariable(state, word.text, undefined);
  }
  return true;
}

/** Loses the variables that words name, as those of `read` do. */
function loseNamed(names: readonly Word[], state: State): undefined {
  for (const { text, fault } of names) {
    if (fault !== undefined) loseAll(state);
    const name = /^[A-Za-z_]\w*/.exec(text)?.[0];
    if (name !== undefined) loseVariable(state, name);
  }
}
