/**
 * Reads the plain kind of environment file: one `NAME=value` a line, the value bare or in one
 * pair of quotes, without a backslash. Of the rest of systemd's syntax (continued lines, escapes,
 * several quoted pieces) nothing is guessed.
 *
 * Source: systemd.exec(5), `EnvironmentFile=`.
 *
 * @returns undefined if a line is anything else.
 */
export function parseEnvironmentFile(text: string): ReadonlyMap<string, string> | undefined {
  const values = new Map<string, string>();
  for (const raw of text.split('\n')) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#') || line.startsWith(';')) continue;
    if (line.includes('\\')) return undefined;
    const equals = line.indexOf('=');
    if (equals <= 0) continue;
    const value = plainValue(line.slice(equals + 1).trim());
    if (value === undefined) return undefined;
    values.set(line.slice(0, equals).trim(), value);
  }
  return values;
}

function plainValue(value: string): string | undefined {
  const quote = value[0];
  if (quote !== '"' && quote !== "'") return value;
  const closed = value.length > 1 && value.indexOf(quote, 1) === value.length - 1;
  return closed ? value.slice(1, -1) : undefined;
}
