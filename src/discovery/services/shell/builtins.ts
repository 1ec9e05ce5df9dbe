import { posix } from 'node:path';
import { mentionsPrograms } from '../mentions.ts';
import type { Word } from '../words.ts';
import { NotUnderstood } from './cursor.ts';
import { readScript } from './read-script.ts';
import {
  deeper,
  type End,
  type Failure,
  leaving,
  type Session,
  type State,
  setVariable,
  unknownValue,
} from './state.ts';
import { testResult } from './test-command.ts';

/** Runs a command of the shell itself and returns its status; `undefined` if not known. */
type Builtin = (
  words: readonly Word[],
  state: State,
  session: Session,
  failure: Failure,
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
const loses: Builtin = ([, ...names], state) => {
  for (const { text } of names) {
    const name = /^\w+/.exec(text)?.[0];
    if (name !== undefined) setVariable(state, name, unknownValue(name));
  }
  return undefined;
};

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
  ['let', loses],
  ...'bg disown enable fg hash jobs shopt times type ulimit umask unalias wait'
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

/** Reads the commands of a file, mostly variables. */
function source(
  [, file]: readonly Word[],
  state: State,
  session: Session,
  failure: Failure,
): boolean | undefined {
  const path =
    file?.fault === undefined && file !== undefined && /\//.test(file.text)
      ? file.text.startsWith('/') || state.directory !== undefined
        ? posix.resolve(state.directory ?? '/', file.text)
        : undefined
      : undefined;
  const text = path === undefined ? undefined : session.surroundings.readFile(path);
  if (text !== undefined) {
    // `return` ends the file.
    leaving(session, state, ['return'], () => runText(text, state, session, failure));
    return undefined;
  }
  // The booted host writes into /run and /var, so a file that the root does not have may exist there.
  if (path === undefined || /^\/(?:run|var)\//.test(path)) {
    for (const name of state.variables.keys()) setVariable(state, name, unknownValue(name));
    state.mayHaveOthers = true;
    return undefined;
  }
  return undefined;
}

function evaluate(
  [, ...words]: readonly Word[],
  state: State,
  session: Session,
  failure: Failure,
): boolean | undefined {
  if (words.some(({ fault }) => fault !== undefined)) throw new NotUnderstood();
  return runText(words.map(({ text }) => text).join(' '), state, session, failure);
}

function runText(text: string, state: State, session: Session, failure: Failure) {
  const script = readScript(text);
  if (script === undefined) throw new NotUnderstood();
  return deeper(session, () => session.runList(script, state, session, failure));
}

function trap([, action]: readonly Word[], state: State, session: Session): undefined {
  if (action === undefined || action.fault !== undefined) return;
  const copy = { ...state, variables: new Map(state.variables) };
  runText(action.text, copy, session, { isLast: false, isChecked: false });
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
  const isKnown = first !== undefined && count?.fault === undefined && Number.isInteger(by);
  state.args = isKnown ? [first, ...args.slice(by)] : undefined;
  return isKnown && args.length >= by ? true : undefined;
}

/** An alias that changes which program runs is not followed. */
function alias([, ...words]: readonly Word[]): undefined {
  if (words.some(({ text }) => mentionsPrograms(text))) throw new NotUnderstood();
}

function print(
  words: readonly Word[],
  state: State,
  session: Session,
  failure: Failure,
): boolean | undefined {
  if (words[1]?.text === '-v') return loses(words.slice(1), state, session, failure);
  session.printing.push(words);
  return undefined;
}

function unset([, ...names]: readonly Word[], state: State): boolean {
  for (const { text } of names) {
    if (/^[A-Za-z_]\w*$/.test(text)) setVariable(state, text, undefined);
  }
  return true;
}
