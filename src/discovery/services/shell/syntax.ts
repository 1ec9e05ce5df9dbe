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
      /** `:-`, `-`, `:=`, `%`, …; empty for the plain value, `unclear` for one that is not understood. */
      readonly operator: string;
      readonly operand: readonly Part[];
      readonly isQuoted: boolean;
    }
  /** `$(…)`, or a process substitution, which is one word. */
  | {
      readonly kind: 'commands';
      readonly raw: string;
      readonly script: Script;
      readonly isQuoted: boolean;
    }
  /** Arithmetic: a number that is not worked out. */
  | { readonly kind: 'number'; readonly raw: string };

export interface ShellWord {
  readonly raw: string;
  readonly parts: readonly Part[];
}

export interface Assignment {
  readonly name: string;
  /** Whether the value is added to the one before (`+=`), or is that of one element of an array. */
  readonly isPartial: boolean;
  readonly words: readonly ShellWord[];
  readonly isList: boolean;
}

export interface SimpleCommand {
  readonly kind: 'simple';
  readonly assignments: readonly Assignment[];
  readonly words: readonly ShellWord[];
  /** Here-documents and here-strings. */
  readonly inputs: readonly ShellWord[];
  /** The files of redirections. */
  readonly files: readonly RedirectedFile[];
}

export interface RedirectedFile {
  readonly word: ShellWord;
  /** Whether the command reads the file as its standard input. */
  readonly isInput: boolean;
}

export type Command =
  | SimpleCommand
  | { readonly kind: 'not'; readonly command: Command }
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
