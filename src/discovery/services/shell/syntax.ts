/** A piece of a word. */
export type Part =
  | { readonly kind: 'text'; readonly text: string; readonly isQuoted: boolean }
  /** A file pattern, a tilde or braces: the words that it becomes depend on the host. */
  | { readonly kind: 'pattern'; readonly text: string }
  | {
      readonly kind: 'variable';
      readonly raw: string;
      /** `TAG`, `1`, `@`. */
      readonly name: string;
      /** Whether all words of an array are meant: `${ARGS[@]}`. */
      readonly isList: boolean;
      /** Whether quotes join the words of the array: `"$*"`. */
      readonly isJoined: boolean;
      /** `:-`, `-`, `:=`, `%`, …; empty for the plain value, `unclear` for one that is not understood. */
      readonly operator: string;
      readonly operand: readonly Part[];
      readonly isQuoted: boolean;
    }
  | {
      readonly kind: 'commands';
      readonly raw: string;
      readonly script: Script;
      readonly isQuoted: boolean;
    }
  /** `<(…)`, which becomes the path of a pipe. */
  | { readonly kind: 'process'; readonly raw: string; readonly script: Script }
  /** Arithmetic: a number that is not worked out. */
  | { readonly kind: 'number'; readonly raw: string };

export interface ShellWord {
  readonly raw: string;
  readonly parts: readonly Part[];
}

export interface Assignment {
  readonly name: string;
  /** Whether the value is added to the one before: `+=`. */
  readonly isAdded: boolean;
  /** Whether it is the value of one element of an array. */
  readonly isElement: boolean;
  readonly words: readonly ShellWord[];
  readonly isList: boolean;
}

export interface Redirections {
  /** Here-documents and here-strings. */
  readonly inputs: readonly ShellWord[];
  readonly files: readonly RedirectedFile[];
}

export interface RedirectedFile {
  readonly word: ShellWord;
  /** Whether it is the standard input or output of the command. */
  readonly stream: 'input' | 'output' | undefined;
  /** The variable that gets the number of the file: `{FD}>/run/lock`. */
  readonly variable?: string;
}

export interface SimpleCommand extends Redirections {
  readonly kind: 'simple';
  /** The assignments before the command. */
  readonly assignments: readonly Assignment[];
  readonly words: readonly ShellWord[];
  /** The assignments among the arguments of `export` and its like. */
  readonly declared: readonly Assignment[];
}

export type Command =
  | SimpleCommand
  | { readonly kind: 'not'; readonly command: Command }
  | (Redirections & { readonly kind: 'redirected'; readonly command: Command })
  | { readonly kind: 'group'; readonly body: Script; readonly isSubshell: boolean }
  | {
      readonly kind: 'if';
      readonly branches: readonly { readonly condition: Script; readonly body: Script }[];
      readonly otherwise: Script;
    }
  | { readonly kind: 'while'; readonly condition: Script; readonly body: Script }
  | {
      readonly kind: 'for';
      readonly name: string;
      /** Absent: the arguments. */
      readonly words?: readonly ShellWord[];
      readonly body: Script;
    }
  | {
      readonly kind: 'case';
      readonly subject: ShellWord;
      readonly branches: readonly {
        readonly patterns: readonly ShellWord[];
        readonly body: Script;
        /** `;&` goes on with the next body, `;;&` with the next patterns. */
        readonly end: string;
      }[];
    }
  | { readonly kind: 'function'; readonly name: string; readonly body: Command }
  /** Arithmetic, which may change variables. */
  | { readonly kind: 'arithmetic'; readonly text: string };

/** A command, and how the next one follows. */
export interface Item {
  readonly command: Command;
  readonly operator: ';' | '&' | '&&' | '||' | '|';
}

export type Script = readonly Item[];
