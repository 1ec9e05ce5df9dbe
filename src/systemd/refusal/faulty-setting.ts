import { commandLines, commandWords } from '../command-line.ts';
import type { UnitEntry } from '../unit-file.ts';
import { commandKeys } from '../wanted-keys.ts';
import { nextWord } from '../words.ts';

/**
 * Whether an assignment in [Service] has a value at which systemd stops reading: it refuses the service if
 * the service's own file holds it, and drops the rest of a drop-in. For most keys systemd only ignores a
 * wrong value. Compared with systemd 257; the values of specifiers are not judged.
 *
 * Source: systemd, src/core/load-fragment.c, the parsers that return `-ENOEXEC`.
 */
export function isFaulty({ group, key, value }: UnitEntry): boolean {
  if (group !== 'Service' || value === '') return false;
  return commands.has(key) ? commandCount(value) < 0 : faults.get(key)?.(value) === true;
}

/** The assignments of a drop-in that count: those before the first faulty one. */
export function upToFault(entries: readonly UnitEntry[]): readonly UnitEntry[] {
  const end = entries.findIndex(isFaulty);
  return end < 0 ? entries : entries.slice(0, end);
}

/** States what was expected of a faulty assignment. */
export function wrongSetting({ key }: UnitEntry): string {
  return commands.has(key)
    ? `expected a valid command in ${key}=, found another text`
    : `expected a value of ${key}= that systemd takes, found another`;
}

const commands: ReadonlySet<string> = new Set(commandKeys);

const faults: ReadonlyMap<string, (value: string) => boolean> = new Map([
  ['Group', isNoAccount],
  ['RootDirectory', isNoPath],
  ['RootImage', isNoPath],
  ['SupplementaryGroups', (value: string) => value.split(/[ \t]+/).some(isNoAccount)],
  ['User', isNoAccount],
  [
    'WorkingDirectory',
    (value: string) => value !== '~' && !value.startsWith('-') && isNoPath(value),
  ],
]);

/** systemd takes nearly every name, but not the numbers that mean no user. */
function isNoAccount(value: string): boolean {
  return /[:/]|^(?:65535|4294967295)$/.test(value) || hasUnknownSpecifier(value);
}

function isNoPath(value: string): boolean {
  return !/^[/%]/.test(value) || /\/\.\.(?:\/|$)/.test(value) || hasUnknownSpecifier(value);
}

/**
 * The number of commands in a value; -1 for a faulty one. With the prefix `-` a faulty command is only
 * ignored.
 */
export function commandCount(value: string): number {
  if (value === '') return 0;
  if (!/["'\\;]/.test(value)) {
    const [program = ''] = /^[^ \t]*/.exec(value) ?? [];
    const isValid = isProgram(program.replace(/^[-@:+!|]+/, '')) && !hasUnknownSpecifier(value);
    if (isValid) return 1;
    return isIgnored(program) ? 0 : -1;
  }
  const lines = commandLines(value);
  if (lines === undefined) {
    const first = nextWord(value, 0, commandWords);
    return first === undefined || isIgnored(first.text) ? 0 : -1;
  }
  const faulty = lines.findIndex(
    ({ words }) => !isProgram(words[0] ?? '') || words.some(hasUnknownSpecifier),
  );
  if (faulty < 0) return lines.length;
  return lines[faulty]?.ignoresFailure === true ? faulty : -1;
}

/** Whether a word is an absolute path, or a name that systemd looks up. */
function isProgram(word: string): boolean {
  if (word === '' || word === '.' || word === '..' || word.endsWith('/')) return false;
  return word.startsWith('/') || !word.includes('/');
}

function isIgnored(word: string): boolean {
  return /^[@:+!|]*-/.test(word);
}

/** systemd keeps a percent sign before anything but letters and digits. */
function hasUnknownSpecifier(text: string): boolean {
  if (!text.includes('%')) return false;
  for (const [, letter = ''] of text.matchAll(/%(.)/gs)) {
    if (/[A-Za-z0-9]/.test(letter) && !specifiers.has(letter)) return true;
  }
  return false;
}

const specifiers: ReadonlySet<string> = new Set('aAbBcCdDEfgGhHiIjJlLmMnNopPqrRsStTuUvVwWyY');
