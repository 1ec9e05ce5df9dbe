import type { Script, ShellWord } from './syntax.ts';

/** A place in a script that is being read. */
export interface Cursor {
  readonly text: string;
  at: number;
  depth: number;
  /** The here-documents whose bodies begin after the line. */
  heredocs: Heredoc[];
  /** Reads commands up to a keyword of `ends`, a closing parenthesis, `;;` or the end. */
  readonly readList: (cursor: Cursor, ends: ReadonlySet<string>) => Script;
}

export interface Heredoc {
  readonly delimiter: string;
  readonly stripsTabs: boolean;
  readonly isExpanded: boolean;
  /** The inputs of the command, which get the body. */
  readonly inputs: ShellWord[];
}

/** Ends the reading or the evaluation of a script that is not understood. */
export class NotUnderstood extends Error {}

/** The deepest nesting of commands and words that is read. */
const deepest = 64;

/** Reads something nested, if it is not too deep. */
export function nested<T>(cursor: Cursor, read: () => T): T {
  cursor.depth++;
  if (cursor.depth > deepest) throw new NotUnderstood();
  const result = read();
  cursor.depth--;
  return result;
}

/** Consumes what a sticky pattern matches; undefined if it does not match here. */
export function take(cursor: Cursor, pattern: RegExp): RegExpExecArray | undefined {
  pattern.lastIndex = cursor.at;
  const match = pattern.exec(cursor.text);
  if (match === null) return undefined;
  cursor.at += match[0].length;
  return match;
}

/** Whether a sticky pattern matches here. */
export function sees(cursor: Cursor, pattern: RegExp): boolean {
  pattern.lastIndex = cursor.at;
  return pattern.test(cursor.text);
}

export function expect(cursor: Cursor, pattern: RegExp): void {
  if (take(cursor, pattern) === undefined) throw new NotUnderstood();
}

const blanks = /(?:[ \t\r]+|\\\r?\n)*(?:#[^\n]*)?/y;

/** Skips blanks, joined lines and a comment. */
export function skipBlanks(cursor: Cursor): void {
  take(cursor, blanks);
}

const lineEnd = /\n/y;

/** Consumes a line end, with the here-documents behind it. */
export function takeLineEnd(cursor: Cursor, read: (cursor: Cursor) => ShellWord): boolean {
  if (take(cursor, lineEnd) === undefined) return false;
  for (const heredoc of cursor.heredocs.splice(0)) readHeredoc(cursor, heredoc, read);
  return true;
}

function readHeredoc(
  cursor: Cursor,
  { delimiter, stripsTabs, isExpanded, inputs }: Heredoc,
  read: (cursor: Cursor) => ShellWord,
): void {
  const { text } = cursor;
  const from = cursor.at;
  let at = from;
  for (;;) {
    const newline = text.indexOf('\n', at);
    const end = newline < 0 ? text.length : newline;
    const line = text.slice(at, end);
    if ((stripsTabs ? line.replace(/^\t+/, '') : line) === delimiter || newline < 0) {
      const body = text.slice(from, at);
      cursor.at = newline < 0 ? text.length : newline + 1;
      const part = { kind: 'text', text: body, isQuoted: true } as const;
      inputs.push(
        isExpanded
          ? read({ ...cursor, text: body, at: 0, heredocs: [] })
          : { raw: body, parts: [part] },
      );
      return;
    }
    at = newline + 1;
  }
}
