/**
 * Reads an environment file as systemd does: values are bare or quoted, quoted pieces are joined,
 * and a backslash continues a line. Lines without an assignment are dropped, as are assignments to
 * something that is not a valid variable name.
 *
 * Source: systemd.exec(5), `EnvironmentFile=`; systemd, src/basic/env-file.c,
 * `parse_env_file_internal`. Takes time linear in the text.
 */
export function parseEnvironmentFile(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (let at = 0; at < text.length; ) {
    at = skip(blanks, text, at);
    if (text[at] === '#' || text[at] === ';') {
      at = skip(line, text, at);
      continue;
    }
    const keyEnd = skip(key, text, at);
    if (text[keyEnd] !== '=') {
      at = Math.max(keyEnd, at + 1);
      continue;
    }
    const name = text.slice(at, keyEnd).trimEnd();
    const value = valueAt(text, keyEnd + 1);
    if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) values.set(name, value.text);
    at = value.next;
  }
  return values;
}

const blanks = /[ \t\n\r]*/y;
const line = /[^\n\r]*/y;
const key = /[^=\n\r]*/y;
const bare = /[^\\\n\r]*/y;
const spaces = /[ \t]*/y;
const doubleQuoted = /[^"\\]*/y;

function skip(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return at + (pattern.exec(text)?.[0].length ?? 0);
}

/** Reads a value: quoted pieces first. After the first bare character, quotes have no meaning. */
function valueAt(text: string, from: number): { text: string; next: number } {
  const parts: string[] = [];
  for (let at = from; ; ) {
    at = skip(spaces, text, at);
    const char = text[at];
    if (char === undefined || char === '\n' || char === '\r') {
      return { text: parts.join(''), next: at };
    }
    if (char === "'") {
      const close = text.indexOf("'", at + 1);
      parts.push(text.slice(at + 1, close < 0 ? undefined : close));
      at = close < 0 ? text.length : close + 1;
    } else if (char === '"') at = addDoubleQuoted(text, at + 1, parts);
    else return bareValue(text, at, parts);
  }
}

/** @returns the index after the closing quote. */
function addDoubleQuoted(text: string, from: number, parts: string[]): number {
  for (let at = from; at < text.length; ) {
    const end = skip(doubleQuoted, text, at);
    parts.push(text.slice(at, end));
    if (text[end] !== '\\') return end + 1;
    const escaped = text.charAt(end + 1);
    if (escaped !== '' && '"\\`$'.includes(escaped)) parts.push(escaped);
    else if (escaped !== '\n' && escaped !== '') parts.push('\\', escaped);
    at = end + 2;
  }
  return text.length;
}

/** Reads the rest of the line. Blanks at its end are dropped, unless a backslash precedes them. */
function bareValue(text: string, from: number, parts: string[]): { text: string; next: number } {
  for (let at = from; ; ) {
    const end = skip(bare, text, at);
    const piece = text.slice(at, end);
    if (text[end] !== '\\') {
      parts.push(trimmedEnd(piece));
      return { text: parts.join(''), next: end };
    }
    const escaped = text.charAt(end + 1);
    parts.push(piece, escaped === '\n' || escaped === '\r' ? '' : escaped);
    at = end + 2;
  }
}

function trimmedEnd(text: string): string {
  let end = text.length;
  while (end > 0 && (text[end - 1] === ' ' || text[end - 1] === '\t')) end--;
  return text.slice(0, end);
}
