import { longestWord } from '../../systemd/environment/variables.ts';
import type { Fault } from '../problem.ts';
import type { Word } from './words.ts';

/** A word, operator or end of a script; `next` is the index after the token. */
export type Token =
  | {
      readonly kind: 'word';
      readonly next: number;
      /** The word after expansion: an unquoted variable may split it into several. */
      readonly words: readonly Word[];
      /** The assignment that the word is, if it precedes the command. */
      readonly assignment?: { readonly name: string; readonly value: Word };
      readonly text?: undefined;
    }
  /** `;` (also for a line end), `&&`, `||` or `&`. */
  | { readonly kind: 'operator'; readonly next: number; readonly text: string }
  | { readonly kind: 'end'; readonly next: number; readonly text: '' };

/** The value of a variable; undefined if it is not known. */
export type Variables = (name: string) => string | undefined;

const skipped = /(?:[ \t\r]+|\\\n|#[^\n]*)*/y;
const operator = /&&|\|\||;(?!;)|&(?!>)|\n/y;
/** A redirection up to its target; both are skipped. */
const redirection = /(?:[0-9]*(?:>>|>\||>&|<&|<>|[<>])|&>>?)[ \t]*(?=[^ \t\n<>|&;()])/y;

/**
 * Reads the next token of a script.
 *
 * @returns undefined if the script is not plain from there on.
 */
export function nextToken(text: string, from: number, variables: Variables): Token | undefined {
  let at = from;
  for (;;) {
    at += matchAt(skipped, text, at);
    const redirected = matchAt(redirection, text, at);
    if (redirected === 0) break;
    const target = shellWord(text, at + redirected, variables);
    if (target?.kind !== 'word') return undefined;
    at = target.next;
  }
  if (at >= text.length) return { kind: 'end', next: at, text: '' };
  const length = matchAt(operator, text, at);
  if (length > 0) {
    const found = text.slice(at, at + length);
    return { kind: 'operator', next: at + length, text: found === '\n' ? ';' : found };
  }
  return shellWord(text, at, variables);
}

function matchAt(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0].length ?? 0;
}

const variable = /\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})/y;
const plain = /[^\s'"\\$`;&|<>(){}*?[\]~!#]+/y;

/**
 * Reads a word up to a blank or an operator.
 *
 * @returns undefined if the word is not plain.
 */
function shellWord(text: string, from: number, variables: Variables): Token | undefined {
  const done: string[] = [];
  const parts: string[] = [];
  let fault: Fault | undefined;
  let several = false;
  let size = 0;
  let quoted = false;
  let at = from;
  for (let inDouble = false; at < text.length; ) {
    const char = text.charAt(at);
    if (char === '"') {
      inDouble = !inDouble;
      quoted = true;
      at++;
    } else if (char === '$') {
      variable.lastIndex = at;
      const match = variable.exec(text);
      // A dollar sign before a blank or a quote is plain text; any other expansion is not plain.
      if (match === null) {
        if (!/[\s"]/.test(text[at + 1] ?? ' ')) return undefined;
        parts.push('$');
        at++;
        continue;
      }
      const value = variables(match[1] ?? match[2] ?? '');
      // A variable that is assigned twice its own value, again and again, would grow without bound.
      size += value?.length ?? 0;
      if (size > longestWord) return undefined;
      if (value === undefined) {
        fault ??= unknownVariable;
        several ||= !inDouble;
        parts.push(match[0]);
      } else if (inDouble) parts.push(value);
      else addSplit(value, parts, done);
      at += match[0].length;
    } else if (char === '\\') {
      const next = text[at + 1];
      if (next === undefined) return undefined;
      const kept = inDouble && !/["\\$`\n]/.test(next);
      if (next !== '\n') parts.push(kept ? `\\${next}` : next);
      quoted = true;
      at += 2;
    } else if (inDouble) {
      if (char === '`') return undefined;
      parts.push(char);
      at++;
    } else if (char === "'") {
      const close = text.indexOf("'", at + 1);
      if (close < 0) return undefined;
      parts.push(text.slice(at + 1, close));
      quoted = true;
      at = close + 1;
    } else if (/[\s;&|<>]/.test(char)) break;
    else if (/[`()]/.test(char)) return undefined;
    else {
      const length = matchAt(plain, text, at) || 1;
      if (/[*?[~]/.test(char)) {
        fault ??= pattern;
        several ||= true;
      }
      parts.push(text.slice(at, at + length));
      at += length;
    }
    if (at >= text.length && inDouble) return undefined;
  }
  if (at === from) return undefined;
  const last = parts.join('');
  const texts = last === '' && !quoted ? done : [...done, last];
  const raw = text.slice(from, at);
  const unclear = fault === undefined ? {} : { fault, several };
  const words = texts.map((word) => ({ text: word, raw, ...unclear }));
  return { kind: 'word', next: at, words, ...assigned(raw, [...done, last].join(' '), fault) };
}

/** Adds the value of an unquoted variable: all pieces but the last end a word. */
function addSplit(value: string, parts: string[], done: string[]): void {
  const pieces = value.split(/[ \t\n]+/);
  for (const [i, piece] of pieces.entries()) {
    if (i > 0) {
      const word = parts.splice(0).join('');
      if (word !== '') done.push(word);
    }
    parts.push(piece);
  }
}

function assigned(raw: string, text: string, fault: Fault | undefined) {
  const name = /^([A-Za-z_]\w*)=/.exec(raw)?.[1];
  if (name === undefined) return {};
  const value = {
    text: text.slice(name.length + 1),
    raw,
    ...(fault === undefined ? {} : { fault }),
  };
  return { assignment: { name, value } };
}

const unknownVariable: Fault = {
  code: 'variable',
  message:
    'expected the unit or the script to set the variables that name an image, found one that is not set',
  hint: 'set the variable with Environment= in [Service], or write the value out',
};

const pattern: Fault = {
  code: 'shell',
  message: 'expected words before the image that are the same on every host, found a file pattern',
  hint: 'write the words out',
};
