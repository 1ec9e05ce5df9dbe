import { type Cursor, NotUnderstood, sees, skipBlanks, take, takeLineEnd } from './cursor.ts';
import { readDocument, readWord } from './read-word.ts';
import type { Assignment, Command, RedirectedFile, ShellWord } from './syntax.ts';

/** The commands whose arguments are assignments. */
export const declaring: ReadonlySet<string> = new Set(
  'export local declare typeset readonly'.split(' '),
);

const assignment = /([A-Za-z_]\w*)(\[[^\]\s]*\])?(\+)?=/y;

/** Reads a simple command, up to an operator or the end of its line. */
export function readSimple(cursor: Cursor): Command {
  const from = cursor.at;
  const assignments: Assignment[] = [];
  const words: ShellWord[] = [];
  const inputs: ShellWord[] = [];
  const files: RedirectedFile[] = [];
  for (;;) {
    skipBlanks(cursor);
    if (words[0]?.raw === '[[' && readTestWord(cursor, words)) continue;
    if (readRedirection(cursor, inputs, files)) continue;
    if (words.length === 0 || declaring.has(words[0]?.raw ?? '')) {
      const [, name, index, plus] = take(cursor, assignment) ?? [];
      if (name !== undefined) {
        const isPartial = index !== undefined || plus !== undefined;
        assignments.push(readAssignment(cursor, name, isPartial));
        continue;
      }
    }
    const word = readWord(cursor);
    if (word === undefined) break;
    words.push(word);
  }
  if (cursor.at === from) throw new NotUnderstood();
  return { kind: 'simple', assignments, words, inputs, files };
}

/** Reads a word in `[[ … ]]` that would be an operator of the shell elsewhere. */
function readTestWord(cursor: Cursor, words: ShellWord[]): boolean {
  if (words.at(-1)?.raw === ']]') return false;
  if (takeLineEnd(cursor, readDocument)) return true;
  if (words.at(-1)?.raw === '=~') {
    // A regular expression may hold any character but blanks.
    const [raw] = take(cursor, /[^\s]+/y) ?? [];
    if (raw === undefined) throw new NotUnderstood();
    words.push({ raw, parts: [{ kind: 'pattern', text: raw }] });
    return true;
  }
  const [raw] = take(cursor, /&&|\|\||[<>()]/y) ?? [];
  if (raw === undefined) return false;
  words.push({ raw, parts: [{ kind: 'text', text: raw, isQuoted: false }] });
  return true;
}

function readAssignment(cursor: Cursor, name: string, isPartial: boolean): Assignment {
  if (!take(cursor, /\(/y)) {
    const value = sees(cursor, /[ \t\r\n;&|]/y) ? undefined : readWord(cursor);
    return { name, isPartial, words: value === undefined ? [] : [value], isList: false };
  }
  const words: ShellWord[] = [];
  for (;;) {
    skipBlanks(cursor);
    if (takeLineEnd(cursor, readDocument)) continue;
    if (take(cursor, /\)/y)) return { name, isPartial, words, isList: true };
    const word = readWord(cursor);
    if (word === undefined) throw new NotUnderstood();
    words.push(word);
  }
}

const redirection = /(?:\{\w+\}|[0-9]+)?(<<<|<<-?|>>|>\||>&|<&|<>|<(?!\()|>(?!\())|(&>>?)/y;

/** Reads the redirections behind a compound command. */
export function readRedirections(cursor: Cursor): void {
  do skipBlanks(cursor);
  while (readRedirection(cursor, [], []));
}

function readRedirection(cursor: Cursor, inputs: ShellWord[], files: RedirectedFile[]): boolean {
  const match = take(cursor, redirection);
  if (match === undefined) return false;
  const operator = match[1] ?? match[2];
  skipBlanks(cursor);
  const target = readWord(cursor);
  if (target === undefined) throw new NotUnderstood();
  if (operator === '<<<') inputs.push(target);
  else if (operator !== '<<' && operator !== '<<-') {
    files.push({ word: target, isInput: /^0?<$/.test(match[0]) });
  } else {
    cursor.heredocs.push({
      delimiter: target.raw.replace(/["'\\]/g, ''),
      stripsTabs: operator === '<<-',
      isExpanded: !/["'\\]/.test(target.raw),
      inputs,
    });
  }
  return true;
}
