import { posix } from 'node:path';
import { type Expanded, expandSpecifiers, type SpecifierContext } from './specifiers.ts';
import { parseUnitName } from './unit-name.ts';
import { nextWord } from './words.ts';

/** A line of tmpfiles.d. */
export interface TmpfilesLine {
  /** The letter of the type: `f`, `L`. */
  readonly type: string;
  /** The signs after the letter: `+`, `!`. */
  readonly modifiers: string;
  /** An absolute path, normalized, with specifiers replaced. */
  readonly path: string;
  /** The last field, as written; empty if there is none. */
  readonly argument: string;
}

/**
 * Parses a file of tmpfiles.d. Lines that systemd refuses are left out, and so are those whose path
 * only the booted host knows.
 *
 * Source: tmpfiles.d(5); systemd, src/tmpfiles/tmpfiles.c, `parse_line`.
 *
 * @param isRelevant whether a line is wanted, by its text: most lines are not, and take no time.
 */
export function parseTmpfiles(
  text: string,
  context: Omit<SpecifierContext, 'unit'>,
  isRelevant: (line: string) => boolean,
): readonly TmpfilesLine[] {
  return text.split('\n').flatMap((line) => {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#') || !isRelevant(trimmed)) return [];
    return parseLine(trimmed, context) ?? [];
  });
}

function parseLine(
  line: string,
  context: Omit<SpecifierContext, 'unit'>,
): TmpfilesLine | undefined {
  const fields: string[] = [];
  let at = 0;
  for (let field = 0; field < 6; field++) {
    const word = nextWord(line, at, { escapes: true, relaxed: false });
    if (word === undefined) return undefined;
    if (word.empty) break;
    fields.push(word.text);
    at = word.next;
  }
  const [action = '', written = '', mode = '-'] = fields;
  const [, type = '', modifiers = ''] = /^([a-zA-Z])([-+!=~^$?]*)$/.exec(action) ?? [];
  // Only of a link can the target be missing.
  if (modifiers.includes('?') && type !== 'L') return undefined;
  if (type === '' || !/^(?:-|[:~]*[0-7]{1,4})$/.test(mode)) return undefined;
  const expanded = expandedPath(written, context);
  if (expanded?.ok !== true || !expanded.text.startsWith('/')) return undefined;
  const parts = expanded.text.split('/');
  if (parts.includes('..')) return undefined;
  return { type, modifiers, path: posix.resolve(expanded.text), argument: line.slice(at).trim() };
}

/** The specifiers of tmpfiles.d; others stay as they are, and then name nobody. */
const specifiers = /%(?![aAbBCgGhHlLmMoStTuUvVwW%])/;

function expandedPath(path: string, context: Omit<SpecifierContext, 'unit'>): Expanded | undefined {
  if (specifiers.test(path.replaceAll('%%', ''))) return undefined;
  return expandSpecifiers(path, { ...context, unit: parseUnitName('') });
}
