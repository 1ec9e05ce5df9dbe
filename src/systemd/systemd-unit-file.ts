import { sharedName } from './shared-name.ts';
import type { UnitEntry } from './unit-file.ts';

/** The assignments of a unit file up to its first fault. */
export interface ParsedSystemdUnit {
  readonly entries: readonly UnitEntry[];
  /** Why parsing stopped at `line`: nothing from there on counts. */
  readonly fault?: { readonly line: number; readonly message: string };
}

/**
 * Reads a unit file as systemd does: a backslash joins lines with a blank, comments and empty
 * lines between continued lines are skipped, and an invalid line is ignored. Only a broken section
 * header stops the parser. An invalid line has an empty key, and a section the key `[`, if these are
 * wanted.
 *
 * Source: systemd.syntax(7); systemd, src/shared/conf-parser.c, `config_parse` and `parse_line`.
 * Takes time linear in the text.
 *
 * @param wanted the assignments to keep.
 */
export function parseSystemdUnit(
  text: string,
  path: string,
  wanted: (group: string, key: string) => boolean,
): ParsedSystemdUnit {
  const lines = lineByLine(text);
  const entries: UnitEntry[] = [];
  let group = '';
  let parts: string[] = [];
  let startLine = 0;
  for (let from = 0, number = 1; from <= lines.length; number++) {
    const newline = lines.indexOf('\n', from);
    const to = newline < 0 ? lines.length : newline;
    const last = to === lines.length;
    const start = afterBlanks(lines, from, to);
    const skipped = start === to || lines[start] === '#' || lines[start] === ';';
    const raw = skipped ? '' : lines.slice(from, to);
    from = to + 1;
    if (!skipped) {
      if (parts.length === 0) startLine = number;
      if (endsInBackslash(raw)) {
        parts.push(raw.slice(0, -1), ' ');
        if (!last) continue;
      } else parts.push(raw);
    } else if (!last || parts.length === 0) continue;
    const line = stripped(parts.length === 1 ? raw : parts.join(''));
    parts = [];
    if (line === '') continue;
    if (line[0] === '[') {
      const name = line.slice(1, -1);
      if (!line.endsWith(']') || hasControl(name)) {
        return { entries, fault: { line: startLine, message: 'found a broken section header' } };
      }
      group = sharedName(name);
      if (wanted(group, '[')) entries.push({ group, key: '[', value: name, path, line: startLine });
      continue;
    }
    const equals = line.indexOf('=');
    if (equals <= 0 || group === '') {
      if (wanted(group, '')) entries.push({ group, key: '', value: '', path, line: startLine });
      continue;
    }
    const key = sharedName(stripped(line.slice(0, equals)));
    if (!wanted(group, key)) continue;
    entries.push({ group, key, value: stripped(line.slice(equals + 1)), path, line: startLine });
  }
  return { entries };
}

/** The text without a byte order mark, and with `\n` for every line end: `\r\n`, `\r` or NUL. */
function lineByLine(text: string): string {
  const bare = text.startsWith('\uFEFF') ? text.slice(1) : text;
  if (!bare.includes('\r') && !bare.includes('\0')) return bare;
  return bare.replaceAll(/\r\n|[\r\0]/g, '\n');
}

/** Whether a line is continued: an even number of backslashes is a number of escaped ones. */
function endsInBackslash(line: string): boolean {
  let count = 0;
  while (line[line.length - 1 - count] === '\\') count++;
  return count % 2 === 1;
}

function afterBlanks(text: string, from: number, to: number): number {
  let at = from;
  while (at < to && isBlank(text[at])) at++;
  return at;
}

function stripped(text: string): string {
  const start = afterBlanks(text, 0, text.length);
  let end = text.length;
  while (end > start && isBlank(text[end - 1])) end--;
  return text.slice(start, end);
}

function isBlank(char: string | undefined): boolean {
  return char === ' ' || char === '\t';
}

function hasControl(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code === 0x7f) return true;
  }
  return false;
}
