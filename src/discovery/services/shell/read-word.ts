import { type Cursor, expect, NotUnderstood, nested, take } from './cursor.ts';
import { readDollar } from './read-expansion.ts';
import type { Part, ShellWord } from './syntax.ts';

const separator = /[\s;&|<>()]/;
const plain = /[^\s'"\\$`;&|<>(){}*?[\]~]+/y;

/** Reads a word up to a blank or an operator; undefined if none begins here. */
export function readWord(cursor: Cursor): ShellWord | undefined {
  const from = cursor.at;
  const parts = substitutedProcess(cursor) ?? readParts(cursor, (char) => separator.test(char));
  return cursor.at === from ? undefined : { raw: cursor.text.slice(from, cursor.at), parts };
}

/** Reads the whole text as if it stood in double quotes, such as a here-document. */
export function readDocument(cursor: Cursor): ShellWord {
  const parts: Part[] = [];
  while (cursor.at < cursor.text.length) {
    if (!readQuotedPart(cursor, parts, /[^\\$`]+/y)) parts.push(quotedChar(cursor));
  }
  return { raw: cursor.text, parts };
}

function substitutedProcess(cursor: Cursor): Part[] | undefined {
  const from = cursor.at;
  if (take(cursor, /[<>]\(/y) === undefined) return undefined;
  const script = nested(cursor, () => cursor.readList(cursor, new Set()));
  expect(cursor, /\)/y);
  const raw = cursor.text.slice(from, cursor.at);
  return [{ kind: 'process', raw, script }];
}

/** Reads the parts of a word up to a character at which it ends. */
function readParts(cursor: Cursor, ends: (char: string) => boolean): Part[] {
  const parts: Part[] = [];
  const { text } = cursor;
  while (cursor.at < text.length) {
    const char = text.charAt(cursor.at);
    if (ends(char)) break;
    if (char === '"') readQuoted(cursor, parts);
    else if (char === "'") parts.push(singleQuoted(cursor));
    else if (char === '\\') parts.push(escaped(cursor));
    else if (char === '`') parts.push(backquoted(cursor, false));
    else if (char === '$') parts.push(readDollar(cursor, false, readOperand));
    else {
      const kind = /[*?[~{]/.test(char) ? 'pattern' : 'text';
      const run = take(cursor, plain)?.[0] ?? text.charAt(cursor.at++);
      parts.push(kind === 'text' ? { kind, text: run, isQuoted: false } : { kind, text: run });
    }
  }
  return parts;
}

/** Reads the word behind an operator in `${TAG:-…}`, with the brace that closes it. */
function readOperand(cursor: Cursor): readonly Part[] {
  const parts = readParts(cursor, (char) => char === '}');
  expect(cursor, /\}/y);
  return parts;
}

function singleQuoted(cursor: Cursor): Part {
  const close = cursor.text.indexOf("'", cursor.at + 1);
  if (close < 0) throw new NotUnderstood();
  const text = cursor.text.slice(cursor.at + 1, close);
  cursor.at = close + 1;
  return { kind: 'text', text, isQuoted: true };
}

function escaped(cursor: Cursor): Part {
  const next = cursor.text[cursor.at + 1];
  if (next === undefined) throw new NotUnderstood();
  cursor.at += 2;
  const isJoined = next === '\n';
  return { kind: 'text', text: isJoined ? '' : next, isQuoted: !isJoined };
}

function readQuoted(cursor: Cursor, parts: Part[]): void {
  cursor.at++;
  parts.push({ kind: 'text', text: '', isQuoted: true });
  while (cursor.text[cursor.at] !== '"') {
    if (!readQuotedPart(cursor, parts, /[^\\$`"]+/y)) parts.push(quotedChar(cursor));
  }
  cursor.at++;
}

/** Reads an expansion or plain text in double quotes; false before a backslash. */
function readQuotedPart(cursor: Cursor, parts: Part[], text: RegExp): boolean {
  const char = cursor.text.charAt(cursor.at);
  if (char === '') throw new NotUnderstood();
  if (char === '\\') return false;
  if (char === '$') parts.push(readDollar(cursor, true, readOperand));
  else if (char === '`') parts.push(backquoted(cursor, true));
  else parts.push({ kind: 'text', text: take(cursor, text)?.[0] ?? '', isQuoted: true });
  return true;
}

/** A backslash in double quotes escapes only a few characters. */
function quotedChar(cursor: Cursor): Part {
  const next = cursor.text[cursor.at + 1];
  if (next === undefined) throw new NotUnderstood();
  cursor.at += 2;
  const text = next === '\n' ? '' : /["\\$`]/.test(next) ? next : `\\${next}`;
  return { kind: 'text', text, isQuoted: true };
}

function backquoted(cursor: Cursor, isQuoted: boolean): Part {
  const match = take(cursor, /`((?:[^`\\]|\\[\s\S])*)`/y);
  if (match === undefined) throw new NotUnderstood();
  const text = (match[1] ?? '').replace(/\\([`\\$])/g, '$1');
  const script = nested(cursor, () =>
    cursor.readList({ ...cursor, text, at: 0, heredocs: [] }, new Set()),
  );
  return { kind: 'commands', raw: match[0], script, isQuoted };
}
