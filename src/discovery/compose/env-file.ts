import { type Environment, interpolate } from './interpolate.ts';

/**
 * Reads an environment file (Compose specification, "Env_file format"). A name without a value
 * would take it from the environment in which Compose is started; berth does not know that
 * environment, and leaves the variable unset.
 *
 * @param outer overrides the variables of the file, also inside the file's own values.
 */
export function readEnvFile(text: string, outer: Environment): Environment {
  const values = new Map(outer);
  const line =
    /^[ \t]*(?:export[ \t]+)?([\w.-]+)[ \t]*[=:][ \t]*(?:'([^']*)'|"((?:\\[^]|[^"\\])*)"|([^\n]*))/gm;
  for (const [, name = '', single, double, plain = ''] of text
    .replace(/^\uFEFF/, '')
    .replaceAll('\r\n', '\n')
    .matchAll(line)) {
    if (outer.has(name)) continue;
    const value =
      single === undefined
        ? interpolate(double === undefined ? uncommented(plain) : unescaped(double), values)
        : { ok: true as const, text: single };
    // A variable whose value is unknown stays unset: the fault is reported where it is used.
    if (value.ok) values.set(name, value.text);
    else values.delete(name);
  }
  return values;
}

/**
 * The line for which Compose refuses an environment file: one without a name before `=`, or with a
 * quote that does not end.
 *
 * Source: compose-go, dotenv/parser.go.
 */
export function refusedLine(text: string): number | undefined {
  const values = /(=[ \t]*)('[^']*'|"(?:\\[^]|[^"\\])*")/g;
  // A quoted value may have several lines, of which the first counts here.
  const plain = text
    .replace(/^\uFEFF/, '')
    .replace(values, (_, before: string, value: string) => before + value.replace(/[^\n]/g, '_'));
  const lines = plain.split('\n');
  const at = lines.findIndex((line, i) => !isLine(line) && !/^_+$/.test(lines[i - 1] ?? ''));
  return at < 0 ? undefined : at + 1;
}

function isLine(line: string): boolean {
  return /^(?:#.*|(?:export\s+)?[\w.-]+\s*(?:[=:]\s*(?!['"]).*)?|_+\s*(?:#.*)?)?$/.test(
    line.trim(),
  );
}

function uncommented(text: string): string {
  if (text.startsWith('#')) return '';
  const comment = /[ \t]#/.exec(text);
  return (comment === null ? text : text.slice(0, comment.index)).trim();
}

function unescaped(text: string): string {
  const escapes: Readonly<Record<string, string>> = {
    n: '\n',
    r: '\r',
    t: '\t',
    '"': '"',
    $: '$$',
  };
  return text.replace(
    /\\([^])/g,
    (whole, char: string) => escapes[char] ?? (char === '\\' ? char : whole),
  );
}
