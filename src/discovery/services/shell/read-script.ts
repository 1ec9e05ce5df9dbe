import {
  type Cursor,
  expect,
  NotUnderstood,
  nested,
  sees,
  skipBlanks,
  take,
  takeLineEnd,
} from './cursor.ts';
import { takeArithmetic } from './read-expansion.ts';
import { readRedirections, readSimple } from './read-simple.ts';
import { readDocument, readWord } from './read-word.ts';
import type { Command, Item, Script, ShellWord } from './syntax.ts';

/**
 * Reads a script of a POSIX shell or of bash into its commands; undefined if it is not understood.
 *
 * Source: POSIX, Shell Command Language; bash(1).
 */
export function readScript(text: string): Script | undefined {
  try {
    const cursor: Cursor = { text, at: 0, depth: 0, heredocs: [], readList };
    const script = readList(cursor, new Set());
    return cursor.at < text.length ? undefined : script;
  } catch (error) {
    if (error instanceof NotUnderstood) return undefined;
    throw error;
  }
}

const none: ReadonlySet<string> = new Set();
const keyword =
  /(?:if|then|elif|else|fi|for|select|while|until|do|done|case|esac|function|time|coproc|[{}!])(?=[\s;&|<>()]|$)/y;

function readList(cursor: Cursor, ends: ReadonlySet<string>): Script {
  const items: Item[] = [];
  for (;;) {
    skipLines(cursor);
    if (cursor.at >= cursor.text.length || sees(cursor, /\)|;;|;&/y) || endsHere(cursor, ends)) {
      return items;
    }
    const command = nested(cursor, () => readCommand(cursor));
    items.push({ command, operator: readOperator(cursor) });
  }
}

function endsHere(cursor: Cursor, ends: ReadonlySet<string>): boolean {
  const { at } = cursor;
  const [word = ''] = take(cursor, keyword) ?? [];
  cursor.at = at;
  return ends.has(word);
}

/** Skips line ends, comments and blanks. */
function skipLines(cursor: Cursor): void {
  do skipBlanks(cursor);
  while (takeLineEnd(cursor, readDocument));
}

/** The operators besides `|`, which may be written `|&`. */
const operators = [';', '&', '&&', '||'] as const;

function readOperator(cursor: Cursor): Item['operator'] {
  skipBlanks(cursor);
  if (takeLineEnd(cursor, readDocument)) return ';';
  if (cursor.at >= cursor.text.length || sees(cursor, /\)|;;|;&/y)) return ';';
  const [written] = take(cursor, /&&|\|\||\|&?|;|&/y) ?? [];
  if (written === undefined) throw new NotUnderstood();
  const operator = operators.find((one) => one === written) ?? '|';
  if (operator === ';' || operator === '&') return operator;
  skipLines(cursor);
  // A command must follow these.
  if (cursor.at >= cursor.text.length) throw new NotUnderstood();
  return operator;
}

function readCommand(cursor: Cursor): Command {
  const command = readCompound(cursor);
  if (command === undefined) return readSimple(cursor);
  const redirections = readRedirections(cursor);
  return redirections === undefined ? command : { kind: 'redirected', command, ...redirections };
}

const functionName = /([A-Za-z_][\w.:-]*)[ \t]*\([ \t]*\)/y;

/** Reads a command that has commands of its own; undefined if a simple one begins here. */
function readCompound(cursor: Cursor): Command | undefined {
  const arithmetic = takeArithmetic(cursor);
  if (arithmetic !== undefined) return { kind: 'arithmetic', text: arithmetic };
  if (take(cursor, /\(/y)) {
    const body = readList(cursor, none);
    expect(cursor, /\)/y);
    return { kind: 'group', body, isSubshell: true };
  }
  const [, name] = take(cursor, functionName) ?? [];
  if (name !== undefined) return readFunction(cursor, name);
  const [word] = take(cursor, keyword) ?? [];
  switch (word) {
    case undefined:
      return undefined;
    case '{': {
      const body = readList(cursor, new Set(['}']));
      expectWord(cursor, '}');
      return { kind: 'group', body, isSubshell: false };
    }
    case '!':
      skipBlanks(cursor);
      return { kind: 'not', command: readCommand(cursor) };
    case 'time':
    case 'coproc':
      take(cursor, /[ \t]+-p(?=[ \t])/y);
      skipBlanks(cursor);
      return readCommand(cursor);
    case 'if':
      return readIf(cursor);
    case 'while':
    case 'until': {
      const condition = readList(cursor, new Set(['do']));
      return { kind: 'while', condition, body: readBody(cursor) };
    }
    case 'for':
    case 'select':
      return readFor(cursor);
    case 'case':
      return readCase(cursor);
    case 'function': {
      skipBlanks(cursor);
      const named = take(cursor, /([A-Za-z_][\w.:-]*)[ \t]*(?:\([ \t]*\))?/y)?.[1];
      if (named === undefined) throw new NotUnderstood();
      return readFunction(cursor, named);
    }
    default:
      throw new NotUnderstood();
  }
}

function readFunction(cursor: Cursor, name: string): Command {
  skipLines(cursor);
  const body = readCompound(cursor);
  if (body === undefined) throw new NotUnderstood();
  return { kind: 'function', name, body };
}

function expectWord(cursor: Cursor, word: string): void {
  if (take(cursor, keyword)?.[0] !== word) throw new NotUnderstood();
}

function readBody(cursor: Cursor): Script {
  expectWord(cursor, 'do');
  const body = readList(cursor, new Set(['done']));
  expectWord(cursor, 'done');
  return body;
}

function readIf(cursor: Cursor): Command {
  const branches: { condition: Script; body: Script }[] = [];
  for (;;) {
    const condition = readList(cursor, new Set(['then']));
    expectWord(cursor, 'then');
    branches.push({ condition, body: readList(cursor, new Set(['elif', 'else', 'fi'])) });
    const [word] = take(cursor, keyword) ?? [];
    if (word === 'elif') continue;
    const otherwise = word === 'else' ? readList(cursor, new Set(['fi'])) : [];
    if (word === 'else') expectWord(cursor, 'fi');
    else if (word !== 'fi') throw new NotUnderstood();
    return { kind: 'if', branches, otherwise };
  }
}

function readFor(cursor: Cursor): Command {
  skipBlanks(cursor);
  const text = takeArithmetic(cursor);
  if (text !== undefined) {
    take(cursor, /[ \t]*;/y);
    skipLines(cursor);
    const condition: Script = [{ command: { kind: 'arithmetic', text }, operator: ';' }];
    return { kind: 'while', condition, body: readBody(cursor) };
  }
  const name = take(cursor, /[A-Za-z_]\w*/y)?.[0];
  if (name === undefined) throw new NotUnderstood();
  skipLines(cursor);
  const words = take(cursor, /in(?=[\s;])/y) ? readWords(cursor) : undefined;
  skipBlanks(cursor);
  take(cursor, /;/y);
  skipLines(cursor);
  return { kind: 'for', name, ...(words === undefined ? {} : { words }), body: readBody(cursor) };
}

function readWords(cursor: Cursor): ShellWord[] {
  const words: ShellWord[] = [];
  for (;;) {
    skipBlanks(cursor);
    const word = readWord(cursor);
    if (word === undefined) return words;
    words.push(word);
  }
}

function readCase(cursor: Cursor): Command {
  skipBlanks(cursor);
  const subject = readWord(cursor);
  if (subject === undefined) throw new NotUnderstood();
  skipLines(cursor);
  expect(cursor, /in(?=[\s;])/y);
  const branches: { patterns: ShellWord[]; body: Script; end: string }[] = [];
  for (;;) {
    skipLines(cursor);
    if (take(cursor, /esac(?=[\s;&|<>()]|$)/y)) return { kind: 'case', subject, branches };
    take(cursor, /\(/y);
    const patterns = readPatterns(cursor);
    const body = readList(cursor, new Set(['esac']));
    const [end = ''] = take(cursor, /;;&|;;|;&/y) ?? [];
    branches.push({ patterns, body, end });
  }
}

function readPatterns(cursor: Cursor): ShellWord[] {
  const patterns: ShellWord[] = [];
  for (;;) {
    skipBlanks(cursor);
    const pattern = readWord(cursor);
    if (pattern === undefined) throw new NotUnderstood();
    patterns.push(pattern);
    skipBlanks(cursor);
    const [end] = take(cursor, /[|)]/y) ?? [];
    if (end === ')') return patterns;
    if (end === undefined) throw new NotUnderstood();
  }
}
