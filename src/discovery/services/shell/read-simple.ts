import { type Cursor, NotUnderstood, sees, skipBlanks, take, takeLineEnd } from './cursor.ts';
import { readDocument, readWord } from './read-word.ts';
import type { Assignment, Command, RedirectedFile, Redirections, ShellWord } from './syntax.ts';

/** The commands whose arguments are assignments. */
export const declaring: ReadonlySet<string> = new Set(
  'export local declare typeset readonly'.split(' '),
);

const assignment = /([A-Za-z_]\w*)(\[[^\]\s]*\])?(\+)?=/y;

/** Reads a simple command, up to an operator or the end of its line. */
export function readSimple(cursor: Cursor): Command {
  const from = cursor.at;
  const assignments: Assignment[] = [];
  const declared: Assignment[] = [];
  const words: ShellWord[] = [];
  const redirections = noRedirections();
  for (;;) {
    skipBlanks(cursor);
    if (words[0]?.raw === '[[' && readTestWord(cursor, words)) continue;
    if (readRedirection(cursor, redirections)) continue;
    const isBefore = words.length === 0;
    if (isBefore || declaring.has(words[0]?.raw ?? '')) {
      const given = readAssignment(cursor);
      if (given !== undefined) {
        (isBefore ? assignments : declared).push(given);
        continue;
      }
    }
    const word = readWord(cursor);
    if (word === undefined) break;
    words.push(word);
  }
  if (cursor.at === from) throw new NotUnderstood();
  return { kind: 'simple', assignments, words, declared, ...redirections };
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

function readAssignment(cursor: Cursor): Assignment | undefined {
  const [, name, index, plus] = take(cursor, assignment) ?? [];
  if (name === undefined) return undefined;
  const target = { name, isAdded: plus !== undefined, isElement: index !== undefined };
  if (take(cursor, /\(/y)) return { ...target, words: readElements(cursor), isList: true };
  const value = sees(cursor, /[ \t\r\n;&|]/y) ? undefined : readWord(cursor);
  return { ...target, words: value === undefined ? [] : [value], isList: false };
}

/** Reads the elements of an array, behind the opening parenthesis. */
function readElements(cursor: Cursor): readonly ShellWord[] {
  const words: ShellWord[] = [];
  for (;;) {
    skipBlanks(cursor);
    if (takeLineEnd(cursor, readDocument)) continue;
    if (take(cursor, /\)/y)) return words;
    const word = readWord(cursor);
    if (word === undefined) throw new NotUnderstood();
    words.push(word);
  }
}

/** The redirections of a command while they are read. */
interface Redirected extends Redirections {
  readonly inputs: ShellWord[];
  readonly files: RedirectedFile[];
}

function noRedirections(): Redirected {
  return { inputs: [], files: [] };
}

/** Reads the redirections behind a compound command; undefined if there are none. */
export function readRedirections(cursor: Cursor): Redirections | undefined {
  const redirections = noRedirections();
  let hasOne = false;
  for (;;) {
    skipBlanks(cursor);
    if (!readRedirection(cursor, redirections)) break;
    hasOne = true;
  }
  return hasOne ? redirections : undefined;
}

const redirection = /(?:\{(\w+)\}|[0-9]+)?(?:(<<<|<<-?|>>|>\||>&|<&|<>|<(?!\()|>(?!\())|(&>>?))/y;

function readRedirection(cursor: Cursor, { inputs, files }: Redirected): boolean {
  const match = take(cursor, redirection);
  if (match === undefined) return false;
  const [written, variable] = match;
  const operator = match[2] ?? match[3];
  skipBlanks(cursor);
  const word = readWord(cursor);
  if (word === undefined) throw new NotUnderstood();
  if (operator === '<<<') inputs.push(word);
  else if (operator !== '<<' && operator !== '<<-') {
    files.push({
      word,
      stream: streamOf(written),
      ...(variable === undefined ? {} : { variable }),
    });
  } else {
    cursor.heredocs.push({
      delimiter: word.raw.replace(/["'\\]/g, ''),
      stripsTabs: operator === '<<-',
      isExpanded: !/["'\\]/.test(word.raw),
      inputs,
    });
  }
  return true;
}

/** The standard stream that a redirection moves. */
function streamOf(written: string): RedirectedFile['stream'] {
  if (/^0?<[&>]?$/.test(written)) return 'input';
  return /^(?:1?>|&>)/.test(written) ? 'output' : undefined;
}
