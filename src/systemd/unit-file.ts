import { sharedName } from './shared-name.ts';

/** One assignment of a unit file, with its place. */
export interface UnitEntry {
  /** The section: `Container`. */
  readonly group: string;
  readonly key: string;
  /** The value as written, quotes included, with continuation lines joined. */
  readonly value: string;
  /** The unit's own file or the drop-in that holds the assignment. */
  readonly path: string;
  /** The line of the key, 1-based. */
  readonly line: number;
  /** Set for a command that Quadlet's generator writes; `value` is then only a word for it. */
  readonly quadlet?: true;
}

/** The assignments of a Quadlet file, or its first error. */
export type ParsedUnit =
  | {
      readonly ok: true;
      readonly entries: readonly UnitEntry[];
      /** Whether the file has no assignments at all, not even of unwanted keys. */
      readonly empty: boolean;
    }
  | { readonly ok: false; readonly line: number; readonly message: string };

/**
 * Reads a unit file in Quadlet's dialect, which differs from systemd's: a backslash joins lines
 * with nothing between them, and one invalid line makes the whole file invalid.
 *
 * Source: podman, pkg/systemd/parser/unitfile.go. Takes time linear in the text.
 *
 * @param wanted says which assignments to keep: a tree has many units, and most assignments have
 *   nothing to do with images.
 */
export function parseQuadletUnit(
  text: string,
  path: string,
  wanted: (group: string, key: string) => boolean,
): ParsedUnit {
  const entries: UnitEntry[] = [];
  let empty = true;
  let group: string | undefined;
  let parts: string[] = [];
  let startLine = 0;
  const end = text.endsWith('\n') ? text.length - 1 : text.length;
  for (let from = 0, number = 1; from <= end; number++) {
    const newline = text.indexOf('\n', from);
    const to = newline < 0 || newline > end ? end : newline;
    let line = trimmed(text, from, to);
    from = to + 1;
    if (isComment(line)) continue;
    if (parts.length === 0) startLine = number;
    if (line.endsWith('\\')) {
      line = line.slice(0, -1);
      // After the last line nothing follows to be joined: podman takes the line without its
      // backslash.
      if (from <= end) {
        // A lone backslash begins no continuation: a comment after it is still a comment.
        if (line !== '' || parts.length > 0) parts.push(line);
        continue;
      }
    }
    if (parts.length > 0) {
      parts.push(line);
      line = parts.join('');
      parts = [];
    }
    if (isComment(line)) continue;
    if (isGroupHeader(line)) {
      group = sharedName(line.slice(1, line.indexOf(']')));
      if (!isGroupName(group)) return failure(startLine, 'an empty or impossible section name');
      continue;
    }
    const equals = line.indexOf('=');
    if (equals <= 0) {
      return failure(startLine, 'neither a section, nor a key with a value, nor a comment');
    }
    if (group === undefined) return failure(startLine, 'a key before any section');
    const key = sharedName(trimmed(line, 0, equals));
    empty = false;
    if (!wanted(group, key)) continue;
    entries.push({ group, key, value: leftTrimmed(line, equals + 1), path, line: startLine });
  }
  // A continued line that no further line completes is dropped, as podman does.
  return { ok: true, entries, empty };
}

function failure(line: number, message: string): ParsedUnit {
  return { ok: false, line, message };
}

function isComment(line: string): boolean {
  return line === '' || line[0] === '#' || line[0] === ';';
}

/** Whether a line is `[name]`, followed by nothing but blanks; `[name]x=1` is an assignment. */
function isGroupHeader(line: string): boolean {
  if (line[0] !== '[') return false;
  const close = line.indexOf(']');
  if (close < 0) return false;
  for (let i = close + 1; i < line.length; i++) {
    if (line[i] !== ' ' && line[i] !== '\t') return false;
  }
  return true;
}

function isGroupName(name: string): boolean {
  if (name === '' || name.includes('[')) return false;
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    if (code < 0x20 || (code >= 0x7f && code <= 0x9f)) return false;
  }
  return true;
}

function trimmed(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function leftTrimmed(text: string, from: number): string {
  let start = from;
  while (start < text.length && isSpace(text.charCodeAt(start))) start++;
  return text.slice(start);
}

/**
 * Whether a character has Unicode's property White_Space, as Go trims. JavaScript's `trim()` would
 * also remove a byte order mark, but podman refuses a file that begins with one.
 */
export function isSpace(code: number): boolean {
  if (code <= 0x20) return code === 0x20 || (code >= 0x09 && code <= 0x0d);
  if (code < 0x80) return false;
  return (
    code === 0x85 ||
    code === 0xa0 ||
    code === 0x1680 ||
    (code >= 0x2000 && code <= 0x200a) ||
    code === 0x2028 ||
    code === 0x2029 ||
    code === 0x202f ||
    code === 0x205f ||
    code === 0x3000
  );
}
