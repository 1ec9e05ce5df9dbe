import { longestWord } from '../../../systemd/environment/variables.ts';
import type { Fault } from '../../problem.ts';
import type { Word } from '../words.ts';
import { NotUnderstood } from './cursor.ts';
import { outputOf } from './output.ts';
import { stripped } from './pattern.ts';
import {
  type Failure,
  forked,
  type Session,
  type State,
  setVariable,
  spendMatch,
  spendSize,
  unknownVariable,
  unquoted,
  type Value,
} from './state.ts';
import type { Part, Script, ShellWord } from './syntax.ts';

/**
 * The words that a word becomes.
 *
 * @param unsetIsEmpty whether a variable that nothing sets is empty, as in tests. Elsewhere it is not
 *   known, since systemd or the kernel's command line may set it.
 */
export function expanded(
  { raw, parts }: ShellWord,
  state: State,
  session: Session,
  failure: Failure,
  unsetIsEmpty = false,
): readonly Word[] {
  const fields = new Fields();
  for (const part of parts) addPart(part, fields, { state, session, failure, unsetIsEmpty });
  const words = fields.words(raw);
  spendSize(
    session,
    words.reduce((sum, { text }) => sum + text.length, 0),
  );
  return words;
}

/** The one word that the value of an assignment, or the word of `case`, becomes. */
export function expandedAsOne(
  word: ShellWord | undefined,
  state: State,
  session: Session,
  failure: Failure,
): Word {
  if (word === undefined) return { text: '', raw: '' };
  const fields = new Fields();
  for (const part of word.parts) {
    addPart(part.kind === 'pattern' ? part : quotedPart(part), fields, {
      state,
      session,
      failure,
      unsetIsEmpty: false,
    });
  }
  const [first = { text: '', raw: word.raw }, ...others] = fields.words(word.raw);
  const text = [first, ...others].map((one) => one.text).join(' ');
  spendSize(session, text.length);
  // Without quotes, the variable may become several words later.
  return {
    ...first,
    text,
    ...(first.fault === undefined ? {} : { several: fields.mayHaveBlanks }),
  };
}

function quotedPart(part: Part): Part {
  if (part.kind === 'number') return part;
  if (part.kind === 'pattern') return { kind: 'text', text: part.text, isQuoted: true };
  return { ...part, isQuoted: true };
}

interface Where {
  readonly state: State;
  readonly session: Session;
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
  addList(words: readonly Word[]): void {
    if (words.length === 0) this.#isQuoted = false;
    for (const [at, { text, fault, several }] of words.entries()) {
      if (at > 0) this.#end();
      if (fault === undefined) this.add(text, true);
      else this.addUnclear(text, fault, several !== true);
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
      return fields.add(part.text, part.isQuoted);
    case 'pattern':
      return fields.addUnclear(part.text, pattern, false);
    case 'number':
      return fields.addUnclear(part.raw, unknownVariable, true, true);
    case 'commands':
      return addOutput(part, fields, where);
    case 'variable':
      return addVariable(part, fields, where);
  }
}

function addOutput(
  { raw, script, isQuoted }: Part & { kind: 'commands' },
  fields: Fields,
  { state, session, failure }: Where,
): void {
  const inner = forked(state, session);
  const { printing } = session;
  session.printing = [];
  session.runList(script, inner, session, failure);
  const output = isPlain(script)
    ? outputOf(session.printing, inner, session.surroundings.readFile)
    : { isOneWord: false };
  session.printing = printing;
  if (output.text === undefined) {
    return fields.addUnclear(raw, unknownOutput, isQuoted, output.isOneWord);
  }
  if (isQuoted) fields.add(output.text, true);
  else fields.addSplit(output.text);
}

/** Whether one program prints the output, perhaps in a directory that `cd` chose. */
function isPlain(script: Script): boolean {
  return script.every(
    ({ command, operator }) => command.kind === 'simple' && (operator === ';' || operator === '&&'),
  );
}

function addVariable(part: Part & { kind: 'variable' }, fields: Fields, where: Where): void {
  const { raw, name, isList, operator, operand, isQuoted } = part;
  const value = valueOf(name, where);
  const addOperand = () => {
    for (const one of operand) addPart(isQuoted ? quotedPart(one) : one, fields, where);
  };
  const isUnknown = value?.words.some(({ fault }) => fault !== undefined) === true;
  const isEmpty =
    value === undefined ||
    (operator.startsWith(':') && value.words.every(({ text }) => text === ''));
  if (operator === 'unclear' || (isUnknown && operator !== '')) {
    return fields.addUnclear(raw, unknownVariable, isQuoted);
  }
  if (operator.endsWith('+')) return isEmpty ? undefined : addOperand();
  if (isEmpty && operator.endsWith('-')) return addOperand();
  if (isEmpty && operator.endsWith('=')) {
    const text = expandedAsOne({ raw, parts: operand }, where.state, where.session, where.failure);
    setVariable(where.state, name, { words: [text], isList: false });
    return fields.addList([text]);
  }
  if (value === undefined) {
    if (where.unsetIsEmpty) return fields.add('', isQuoted);
    return fields.addUnclear(raw, unknownVariable, isQuoted);
  }
  if (value.isList || isList) return fields.addList(isList ? value.words : value.words.slice(0, 1));
  const [word] = value.words;
  if (word?.fault !== undefined)
    return fields.addUnclear(raw, word.fault, isQuoted, word.several !== true);
  const text = /^[%#]/.test(operator) ? strippedBy(part, word?.text ?? '', where) : word?.text;
  if (text === undefined) return fields.addUnclear(raw, unknownVariable, isQuoted);
  if (isQuoted) fields.add(text, true);
  else if (where.state.variables.has('IFS') && !/^[\w/.-]*$/.test(text)) {
    // Other characters than blanks may split the words.
    fields.addUnclear(raw, unknownVariable, false);
  } else fields.addSplit(text);
}

function strippedBy(
  { operator, operand }: Part & { kind: 'variable' },
  text: string,
  { state, session, failure }: Where,
): string | undefined {
  const parts = operand.map(
    (part): Part =>
      part.kind === 'pattern' ? { kind: 'text', text: part.text, isQuoted: true } : part,
  );
  const word = expandedAsOne({ raw: '', parts }, state, session, failure);
  spendMatch(session, text, word.text, text.length);
  return word.fault === undefined ? stripped(text, operator, word.text) : undefined;
}

/** The variables that systemd, or the shell itself, sets. */
const own =
  /^(?:HOME|LOGNAME|USER|SHELL|PATH|LANG|PWD|OLDPWD|HOSTNAME|UID|EUID|PPID|RANDOM|SECONDS|IFS|[A-Z]*TYPE|MAINPID|INVOCATION_ID|NOTIFY_SOCKET|JOURNAL_STREAM|WATCHDOG_\w+|LISTEN_\w+|SYSTEMD_\w+|XDG_\w+|TRIGGER_\w+|MONITOR_\w+|(?:RUNTIME|STATE|CACHE|LOGS|CONFIGURATION|CREDENTIALS)_DIRECTORY|BASH\w*)$/;

/** The value of a variable; undefined if it is not set. */
function valueOf(name: string, { state, session }: Where): Value | undefined {
  const { variables, args } = state;
  const { environment, isWhole } = session.surroundings;
  if (name === '@' || name === '*') {
    return args === undefined ? unknown(name) : { words: args.slice(1), isList: true };
  }
  if (name === '#' && args !== undefined) return one(String(Math.max(0, args.length - 1)));
  if (/^[0-9]+$/.test(name)) {
    const word = args?.[Number(name)];
    if (args === undefined) return unknown(name);
    return word === undefined ? undefined : { words: [unquoted(word)], isList: false };
  }
  if (variables.has(name)) return variables.get(name);
  const text = environment.get(name);
  if (text !== undefined) return one(text);
  if (name === 'PWD' && state.directory !== undefined) return one(state.directory);
  if (name === 'BASH_SOURCE' && args?.[0] !== undefined) return { words: [args[0]], isList: true };
  return isWhole && !state.mayHaveOthers && /^\w+$/.test(name) && !own.test(name)
    ? undefined
    : unknown(name);
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
