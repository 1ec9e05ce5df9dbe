import { type Cursor, expect, NotUnderstood, nested, take } from './cursor.ts';
import type { Part } from './syntax.ts';

type ReadOperand = (cursor: Cursor) => readonly Part[];

/** Reads what a dollar sign begins: a variable, commands, arithmetic, or the sign itself. */
export function readDollar(cursor: Cursor, isQuoted: boolean, readOperand: ReadOperand): Part {
  const from = cursor.at;
  const raw = () => cursor.text.slice(from, cursor.at);
  if (take(cursor, /\$(?=\(\()/y)) {
    if (takeArithmetic(cursor) !== undefined) return { kind: 'number', raw: raw() };
    cursor.at = from;
  }
  if (take(cursor, /\$\(/y)) {
    const script = nested(cursor, () => cursor.readList(cursor, new Set()));
    expect(cursor, /\)/y);
    return { kind: 'commands', raw: raw(), script, isQuoted };
  }
  const [, name] = take(cursor, /\$([A-Za-z_]\w*|[0-9@*#?$!-])/y) ?? [];
  if (name !== undefined) {
    const [isList, isJoined] = [name === '@' || name === '*', name === '*'];
    const plain = { isList, isJoined, operator: '', operand: [] } as const;
    return { kind: 'variable', raw: raw(), name, ...plain, isQuoted };
  }
  if (take(cursor, /\$\{/y)) {
    return nested(cursor, () => braced(cursor, from, isQuoted, readOperand));
  }
  if (!isQuoted && take(cursor, /\$(?=['"])/y)) return ansiQuoted(cursor);
  cursor.at++;
  return { kind: 'text', text: '$', isQuoted: true };
}

const operator = /:[-=?+]|%%|##|[-=?+%#]/y;

/** Reads a variable in braces, behind the opening one. */
function braced(cursor: Cursor, from: number, isQuoted: boolean, readOperand: ReadOperand): Part {
  const isStrange = take(cursor, /[!#](?=[A-Za-z_0-9])/y) !== undefined;
  const [, name] = take(cursor, /([A-Za-z_]\w*|[0-9]+|[@*#?$!-])/y) ?? [];
  if (name === undefined) throw new NotUnderstood();
  const [index] = take(cursor, /\[[^\]\s}]*\]/y) ?? [''];
  const isList = /^\[[@*]\]$/.test(index) || name === '@' || name === '*';
  const isElement = index !== '' && !isList;
  const [found] = take(cursor, operator) ?? [''];
  const operand = readOperand(cursor);
  const isUnclear = isStrange || isElement || (found === '' && operand.length > 0);
  return {
    kind: 'variable',
    raw: cursor.text.slice(from, cursor.at),
    name,
    isList,
    isJoined: name === '*' || index === '[*]',
    operator: isUnclear ? 'unclear' : found,
    operand,
    isQuoted,
  };
}

const escapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  e: '\x1b',
  E: '\x1b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};
const escape =
  /\\(?:([0-7]{1,3})|x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,6})|([\s\S]))/g;

/** Reads `$'…'` with its escapes. */
function ansiQuoted(cursor: Cursor): Part {
  const match = take(cursor, /'((?:[^'\\]|\\[\s\S])*)'/y);
  if (match === undefined) return { kind: 'text', text: '', isQuoted: true };
  const text = (match[1] ?? '').replace(escape, (_, octal, hex, short, long, char) => {
    if (char !== undefined) return escapes[char] ?? char;
    const code =
      octal === undefined ? Number.parseInt(hex ?? short ?? long, 16) : Number.parseInt(octal, 8);
    if (code === 0 || code > 0x10ffff) throw new NotUnderstood();
    return String.fromCodePoint(code);
  });
  return { kind: 'text', text, isQuoted: true };
}

/**
 * Skips arithmetic, from its two opening parentheses, and returns its text; undefined if these begin a
 * subshell in other parentheses.
 */
export function takeArithmetic(cursor: Cursor): string | undefined {
  const from = cursor.at;
  if (take(cursor, /\(\(/y) === undefined) return undefined;
  for (let open = 2; open > 0; ) {
    const [found] = take(cursor, /[^()]*[()]/y) ?? [];
    if (found === undefined) throw new NotUnderstood();
    open += found.endsWith('(') ? 1 : -1;
    if (open === 0 && found === ')') return cursor.text.slice(from + 2, cursor.at - 2);
  }
  cursor.at = from;
  return undefined;
}
