import { posix } from 'node:path';
import { trimmedEnd } from '../../../common/text/trimmed-end.ts';
import { longestWord } from '../../../systemd/environment/variables.ts';
import type { Fault } from '../../problem.ts';
import { type Word } from '../words.ts';
import { NotUnderstood } from './cursor.ts';
import { captured } from './output.ts';
import { stripped } from './pattern.ts';
import { type Failure, type State, spendMatch, spendSize, type Value } from './state.ts';
import type { Part, ShellWord } from './syntax.ts';
import {
  isSeveral,
  loseChanged,
  loseVariable,
  setVariable,
  unknownVariable,
  unquoted,
} from './variables.ts';
import { forked } from './ways.ts';

/**
 * The words that a word becomes.
 *
 * @param unsetIsEmpty whether a variable that nothing sets is empty, as in tests. Elsewhere it is not
 *   known, since systemd or the kernel's command line may set it.
 */
export function expanded(
  { raw, parts }: ShellWord,
  state: State,
  failure: Failure,
  unsetIsEmpty = false,
): readonly Word[] {
  const [part] = parts;
  if (parts.length === 1 && part?.kind === 'process') return [pipe(part, state, failure)];
  const fields = new Fields();
  for (const one of parts) addPart(one, fields, { state, failure, unsetIsEmpty });
  const made = fields.words(raw);
  // In tests a pattern is compared with a word, not with files.
  const words = unsetIsEmpty ? made : made.flatMap((word) => matchingFiles(word, state));
  spendSize(
    state.session,
    words.reduce((sum, { text }) => sum + text.length, 0),
  );
  return words;
}

/** The most files for which a pattern stands. */
const mostFiles = 200;
/** In characters; the kernel knows no longer path (`PATH_MAX`). */
const longestPath = 4096;
/** A pattern for files of the OS, of which the booted host has the same. */
const filePattern = /^\/(?:etc|opt|usr)\/[\w./*?![\]^-]*[*?[][\w./*?![\]^-]*$/;

/** The files of the root that a word matches, if it is a pattern for some; else the word itself. */
function matchingFiles(word: Word, { directory, session }: State): readonly Word[] {
  if (word.fault !== pattern) return [word];
  const isAbsolute = word.text.startsWith('/');
  if (!isAbsolute && directory === undefined) return [word];
  const whole = isAbsolute ? word.text : posix.join(directory ?? '/', word.text);
  const isPattern = whole.length <= longestPath && filePattern.test(whole);
  const files = isPattern ? session.surroundings.matching(whole) : [];
  if (files.length === 0 || files.length > mostFiles) return [word];
  return files.map((file) => {
    const text = isAbsolute ? file : posix.relative(directory ?? '/', file);
    return { text: word.text.startsWith('./') ? `./${text}` : text, raw: word.raw };
  });
}

/** The one word that the value of an assignment, or the word of `case`, becomes. */
export function expandedAsOne(word: ShellWord | undefined, state: State, failure: Failure): Word {
  if (word === undefined) return { text: '', raw: '' };
  const [only] = word.parts;
  if (word.parts.length === 1 && only?.kind === 'process') return pipe(only, state, failure);
  const fields = new Fields();
  for (const part of word.parts) {
    const quoted = part.kind === 'pattern' ? part : quotedPart(part);
    addPart(quoted, fields, { state, failure, unsetIsEmpty: false });
  }
  const [first = { text: '', raw: word.raw }, ...others] = fields.words(word.raw);
  const text = [first, ...others].map((one) => one.text).join(' ');
  spendSize(state.session, text.length);
  // Without quotes, the variable may become several words later.
  return {
    ...first,
    text,
    ...(first.fault === undefined ? {} : { several: fields.mayHaveBlanks }),
  };
}

function quotedPart(part: Part): Part {
  if (part.kind === 'number' || part.kind === 'process') return part;
  if (part.kind === 'pattern') return { kind: 'text', text: part.text, isQuoted: true };
  return { ...part, isQuoted: true };
}

interface Where {
  readonly state: State;
  readonly failure: Failure;
  readonly unsetIsEmpty: boolean;
}

/** The words of an expansion as they grow. */
class Fields {
  readonly #done: string[] = [];
  #parts: string[] = [];
  #size = 0;
  #isQuoted = false;
  #fault: Fault | undefined;
  #several = false;
  /** Whether what is not known may hold blanks. */
  mayHaveBlanks = false;

  add(text: string, isQuoted: boolean): void {
    // A variable that is assigned twice its own value, again and again, would grow without bound.
    this.#size += text.length;
    if (this.#size > longestWord) throw new NotUnderstood();
    this.#parts.push(text);
    this.#isQuoted ||= isQuoted;
  }

  addUnclear(text: string, fault: Fault, isQuoted: boolean, isOneWord = false): void {
    this.#fault ??= fault;
    this.#several ||= !isQuoted && !isOneWord;
    this.mayHaveBlanks ||= !isOneWord;
    this.add(text, isQuoted || isOneWord);
  }

  /** Adds a text that blanks split into words. */
  addSplit(text: string): void {
    for (const [at, piece] of text.split(/[ \t\n]+/).entries()) {
      if (at > 0) this.#end();
      this.add(piece, false);
    }
  }

  /** Adds the words of an array: the first one joins what is before, the last one what follows. */
  addList(words: readonly Word[], isQuoted: boolean): void {
    if (words.length === 0) this.#isQuoted = false;
    for (const [at, { text, fault, several }] of words.entries()) {
      if (at > 0) this.#end();
      if (fault !== undefined) this.addUnclear(text, fault, several !== true);
      else if (isQuoted) this.add(text, true);
      else this.addSplit(text);
    }
  }

  words(raw: string): readonly Word[] {
    this.#end();
    const unclear = this.#fault === undefined ? {} : { fault: this.#fault, several: this.#several };
    return this.#done.map((text) => ({ text, raw, ...unclear }));
  }

  #end(): void {
    const text = this.#parts.join('');
    if (text !== '' || this.#isQuoted) this.#done.push(text);
    this.#parts = [];
    this.#isQuoted = false;
  }
}

function addPart(part: Part, fields: Fields, where: Where): void {
  switch (part.kind) {
    case 'text':
      return part.isQuoted ? fields.add(part.text, true) : fields.addSplit(part.text);
    case 'pattern':
      return fields.addUnclear(part.text, pattern, false);
    case 'number':
      loseChanged(where.state, part.raw);
      return fields.addUnclear(part.raw, unknownVariable, true, true);
    case 'process':
      return fields.addUnclear(pipe(part, where.state, where.failure).raw, unknownOutput, true);
    case 'commands':
      return addOutput(part, fields, where);
    case 'variable':
      return addVariable(part, fields, where);
  }
}

function addOutput(
  { raw, script, isQuoted }: Part & { kind: 'commands' },
  fields: Fields,
  { state, failure }: Where,
): void {
  const inner = forked(state);
  const output = captured(script, inner, () => state.session.runList(script, inner, failure));
  if (output.text === undefined) {
    return fields.addUnclear(raw, unknownOutput, isQuoted, output.isOneWord);
  }
  const text = trimmedEnd(output.text, '\n');
  if (isQuoted) fields.add(text, true);
  else addUnquoted(text, raw, fields, state);
}

/** The path of a pipe, from which the shell can read what commands print. */
function pipe({ raw, script }: Part & { kind: 'process' }, state: State, failure: Failure): Word {
  const inner = forked(state);
  const { text } = captured(script, inner, () => state.session.runList(script, inner, failure));
  return { text: raw, raw, fault: unknownOutput, ...(text === undefined ? {} : { printed: text }) };
}

function addVariable(part: Part & { kind: 'variable' }, fields: Fields, where: Where): void {
  const { raw, name, isList, operator, operand, isQuoted } = part;
  const { state, failure } = where;
  const value = valueOf(name, where);
  const addOperand = (to: Fields) => {
    for (const one of operand) addPart(isQuoted ? quotedPart(one) : one, to, where);
  };
  const isUnknown = value?.words.some(({ fault }) => fault !== undefined) === true;
  const isEmpty =
    value === undefined ||
    (operator.startsWith(':') && value.words.every(({ text }) => text === ''));
  if (operator === 'unclear' || (isUnknown && operator !== '')) {
    // The commands in the operand run, perhaps.
    addOperand(new Fields());
    if (operator.endsWith('=')) loseVariable(state, name);
    return fields.addUnclear(raw, unknownVariable, isQuoted && !isList);
  }
  if (operator.endsWith('+')) return isEmpty ? undefined : addOperand(fields);
  if (isEmpty && operator.endsWith('-')) return addOperand(fields);
  if (isEmpty && operator.endsWith('=')) {
    const word = expandedAsOne({ raw, parts: operand }, state, failure);
    setVariable(state, name, { words: [word], isList: false });
    return fields.addList([word], isQuoted);
  }
  if (value === undefined) {
    if (where.unsetIsEmpty) return fields.add('', isQuoted);
    return fields.addUnclear(raw, unknownVariable, isQuoted);
  }
  if (value.isList || isList) return addWords(part, value, fields, where);
  const [word] = value.words;
  if (word?.fault !== undefined)
    return fields.addUnclear(raw, word.fault, isQuoted, word.several !== true);
  const text = /^[%#]/.test(operator) ? strippedBy(part, word?.text ?? '', where) : word?.text;
  if (text === undefined) return fields.addUnclear(raw, unknownVariable, isQuoted);
  if (isQuoted) fields.add(text, true);
  else addUnquoted(text, raw, fields, state);
}

/** Adds the words of an array, its first word, or all of them as one word. */
function addWords(
  { raw, isList, isJoined, isQuoted }: Part & { kind: 'variable' },
  { words }: Value,
  fields: Fields,
  { state }: Where,
): void {
  if (!isList) return fields.addList(words.slice(0, 1), isQuoted);
  const hasSeparator = state.variables.has('IFS');
  if (!(isJoined && isQuoted)) {
    return hasSeparator && !isQuoted
      ? fields.addUnclear(raw, unknownVariable, false)
      : fields.addList(words, isQuoted);
  }
  if (hasSeparator || words.some(({ fault }) => fault !== undefined)) {
    return fields.addUnclear(raw, unknownVariable, true);
  }
  fields.add(words.map(({ text }) => text).join(' '), true);
}

/** Adds a value without quotes: it is split into words, which may be file patterns. */
function addUnquoted(text: string, raw: string, fields: Fields, { variables }: State): void {
  if (variables.has('IFS') && !/^[\w/.-]*$/.test(text)) {
    // Other characters than blanks may split the words.
    fields.addUnclear(raw, unknownVariable, false);
  } else if (/(?:^|[ \t\n])[\w./]*[*?]/.test(text)) fields.addUnclear(raw, pattern, false);
  else fields.addSplit(text);
}
function strippedBy(
  { operator, operand }: Part & { kind: 'variable' },
  text: string,
  { state, failure }: Where,
): string | undefined {
  const parts = operand.map(
    (part): Part =>
      part.kind === 'pattern' ? { kind: 'text', text: part.text, isQuoted: true } : part,
  );
  const word = expandedAsOne({ raw: '', parts }, state, failure);
  spendMatch(state.session, text, word.text, text.length);
  return word.fault === undefined ? stripped(text, operator, word.text) : undefined;
}

/** The variables that systemd, or the shell itself, sets. */
const own =
  /^(?:_|HOME|LOGNAME|USER|SHELL|PATH|LANG|PWD|OLDPWD|HOSTNAME|UID|EUID|GROUPS|PPID|S?RANDOM|SECONDS|EPOCH\w+|LINENO|SHLVL|SHELLOPTS|IFS|PS[0-4]|TERM|COLUMNS|LINES|REPLY|MAPFILE|COPROC|OPTARG|OPTIND|OPTERR|PIPESTATUS|FUNCNAME|DIRSTACK|[A-Z]*TYPE|MAINPID|INVOCATION_ID|NOTIFY_SOCKET|JOURNAL_STREAM|WATCHDOG_\w+|LISTEN_\w+|SYSTEMD_\w+|XDG_\w+|TRIGGER_\w+|MONITOR_\w+|(?:RUNTIME|STATE|CACHE|LOGS|CONFIGURATION|CREDENTIALS)_DIRECTORY|BASH\w*)$/;

/** The value of a variable; undefined if it is not set. */
function valueOf(name: string, { state }: Where): Value | undefined {
  const { variables, args } = state;
  const { environment, isWhole } = state.session.surroundings;
  if (/^(?:[@*#]|[0-9]+)$/.test(name)) return argument(name, args);
  if (variables.has(name)) return variables.get(name);
  const text = environment.get(name);
  if (text !== undefined) return one(text);
  if (name === 'PWD' && state.directory !== undefined) return one(state.directory);
  if (name === 'BASH_SOURCE' && args?.[0] !== undefined) return { words: [args[0]], isList: true };
  return isWhole && !state.mayHaveOthers && /^\w+$/.test(name) && !own.test(name)
    ? undefined
    : unknown(name);
}

/** The value of `$1`, `$#` or `$@`. */
function argument(name: string, args: readonly Word[] | undefined): Value | undefined {
  if (args === undefined) return unknown(name);
  if (name === '@' || name === '*') return { words: args.slice(1), isList: true };
  const given = args.slice(1, name === '#' ? undefined : Number(name) + 1);
  if (given.some(isSeveral)) return unknown(name);
  if (name === '#') return one(String(Math.max(0, args.length - 1)));
  const word = args[Number(name)];
  return word === undefined ? undefined : { words: [unquoted(word)], isList: false };
}

function one(text: string): Value {
  return { words: [{ text, raw: text }], isList: false };
}

function unknown(name: string): Value {
  const several = !/^[?$!#-]$/.test(name);
  return {
    words: [{ text: `$${name}`, raw: `$${name}`, fault: unknownVariable, several }],
    isList: false,
  };
}

const unknownOutput: Fault = {
  code: 'shell',
  message: 'expected words that the script itself gives, found the output of a command',
  hint: 'write the words out',
};

const pattern: Fault = {
  code: 'shell',
  message: 'expected words before the image that are the same on every host, found a file pattern',
  hint: 'write the words out',
};
