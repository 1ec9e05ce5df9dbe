import { nextWord, type SplitOptions } from './words.ts';

/** One command of `ExecStart=` or a similar key, before specifiers and variables are replaced. */
export interface CommandLine {
  /** The program and its arguments. */
  readonly words: readonly string[];
  /** Whether systemd takes a failure of the command for success (prefix `-`). */
  readonly ignoresFailure: boolean;
  /** Whether systemd replaces variables in the arguments; not with the prefix `:`. */
  readonly expandsVariables: boolean;
  /** Whether `User=` has no effect on the command (prefixes `+` and `!`). */
  readonly ignoresUser: boolean;
}

/** How systemd splits a command line (`extract_first_word_and_warn`). */
export const commandWords: SplitOptions = {
  escapes: true,
  relaxed: false,
  literalSemicolon: true,
  keepsUnknownEscapes: true,
};

/**
 * Splits one value into its commands, which are separated by `;` as a word of its own.
 *
 * Source: systemd.service(5), "Command lines"; systemd, src/core/load-fragment.c,
 * `config_parse_exec`.
 *
 * @returns undefined if systemd ignores the line because of an unfinished quote.
 */
export function commandLines(value: string): readonly CommandLine[] | undefined {
  const lines: CommandLine[] = [];
  let words: string[] = [];
  for (let at = 0; ; ) {
    const raw = /[ \t\n\r]*([^ \t\n\r]{0,3})/y;
    raw.lastIndex = at;
    const start = raw.exec(value)?.[1] ?? '';
    const word = nextWord(value, at, commandWords);
    if (word === undefined) return undefined;
    at = word.next;
    if (word.empty === true || start === ';') {
      if (words.length > 0) lines.push(commandLine(words));
      words = [];
      if (word.empty === true) return lines;
    } else words.push(word.text);
  }
}

function commandLine([first = '', ...rest]: readonly string[]): CommandLine {
  const program = first.replace(/^[-@:+!|]+/, '');
  const prefixes = first.slice(0, first.length - program.length);
  return {
    // With `@` the second word is no argument: the program gets it as its own name (argv[0]).
    words: [program, ...(prefixes.includes('@') ? rest.slice(1) : rest)],
    ignoresFailure: prefixes.includes('-'),
    expandsVariables: !prefixes.includes(':'),
    // `!!` means `!` only on kernels without ambient capabilities, older than Linux 4.3.
    ignoresUser: /\+|(?<!!)!(?!!)/.test(prefixes),
  };
}
