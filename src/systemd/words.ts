/** The differences between the places where systemd and podman split words. */
export interface SplitOptions {
  /** Whether escapes such as `\n` and `\x41` are replaced; if not, a backslash is plain text. */
  readonly escapes: boolean;
  /** Whether a missing closing quote is accepted; if not, the whole value is invalid. */
  readonly relaxed: boolean;
  /** Whether `\;` is the word `;`, as in command lines, where a bare `;` separates commands. */
  readonly literalSemicolon?: boolean;
  /** Whether an unknown escape stays as it is written, instead of making the value invalid. */
  readonly keepsUnknownEscapes?: boolean;
}

/**
 * Splits a value into words as systemd does for command lines and lists: at blanks outside single
 * and double quotes, which are removed. An empty word ends the list, as in podman.
 *
 * Source: systemd.syntax(7), "Quoting"; podman, pkg/systemd/parser/split.go.
 *
 * @returns undefined for an unknown escape or, unless relaxed, an unfinished quote: systemd then
 *   ignores the whole value.
 */
export function splitWords(text: string, options: SplitOptions): readonly string[] | undefined {
  const nul = text.indexOf('\0');
  const input = nul < 0 ? text : text.slice(0, nul);
  const words: string[] = [];
  for (let at = 0; ; ) {
    const word = nextWord(input, at, options);
    if (word === undefined) return undefined;
    if (word.text === '') return words;
    words.push(word.text);
    at = word.next;
  }
}

/**
 * The first word at or after `from`, skipping blanks, and the index after the word. `empty` is set
 * if nothing but blanks is left; undefined is returned as for `splitWords`.
 */
export function nextWord(
  text: string,
  from: number,
  options: SplitOptions,
): { text: string; next: number; empty?: true } | undefined {
  let at = from;
  while (isBlank(text[at])) at++;
  if (at >= text.length) return { text: '', next: at, empty: true };
  if (options.literalSemicolon === true && /^\\;(?:[ \t\n\r]|$)/.test(text.slice(at, at + 3))) {
    return { text: ';', next: at + 2 };
  }
  const parts: string[] = [];
  let quote: string | undefined;
  for (; at < text.length; at++) {
    const char = text.charAt(at);
    if (char === '\\' && options.escapes) {
      if (at + 1 === text.length) {
        if (options.relaxed) return { text: parts.join(''), next: text.length };
        return undefined;
      }
      const escape = unescapeAt(text, at + 1);
      if (escape !== undefined) {
        parts.push(escape.char);
        at += escape.length;
      } else if (options.keepsUnknownEscapes === true) parts.push(char);
      else return undefined;
    } else if (quote !== undefined) {
      if (char === quote) quote = undefined;
      else parts.push(char);
    } else if (char === '"' || char === "'") {
      quote = char;
    } else if (isBlank(char)) {
      return { text: parts.join(''), next: at + 1 };
    } else {
      plain.lastIndex = at;
      const run = plain.exec(text)?.[0] ?? char;
      parts.push(run);
      at += run.length - 1;
    }
  }
  if (quote !== undefined && !options.relaxed) return undefined;
  return { text: parts.join(''), next: text.length };
}

/** A run of characters without special meaning outside quotes, mostly the whole word. */
const plain = /[^\\"' \t\n\r]+/y;

function isBlank(char: string | undefined): boolean {
  return char === ' ' || char === '\t' || char === '\n' || char === '\r';
}

const simpleEscapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
  "'": "'",
  s: ' ',
};

const numericEscapes = [
  { pattern: /x([0-9a-fA-F]{2})/y, base: 16, limit: 0xff },
  { pattern: /u([0-9a-fA-F]{4})/y, base: 16, limit: 0xffff },
  { pattern: /U([0-9a-fA-F]{8})/y, base: 16, limit: 0x10ffff },
  { pattern: /([0-7]{3})/y, base: 8, limit: 0xff },
] as const;

/**
 * Reads the escape whose backslash is just before `at`. Undefined if invalid, or if it means NUL.
 */
function unescapeAt(text: string, at: number): { char: string; length: number } | undefined {
  const simple = simpleEscapes[text.charAt(at)];
  if (simple !== undefined) return { char: simple, length: 1 };
  for (const { pattern, base, limit } of numericEscapes) {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match === null) continue;
    const code = Number.parseInt(match[1] ?? '', base);
    if (code === 0 || code > limit) return undefined;
    return { char: String.fromCodePoint(code), length: match[0].length };
  }
  return undefined;
}
