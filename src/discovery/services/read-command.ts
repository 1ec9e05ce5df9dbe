import type { Fault } from '../problem.ts';
import type { Caller } from './caller.ts';
import type { ComposeCommand } from './compose-command.ts';
import type { Option } from './split-options.ts';
import type { Kind, Program } from './subcommands.ts';
import type { Word } from './words.ts';

/** A command that may name images. */
export interface ContainerCommand {
  readonly program: Program;
  /** The program as written: `/usr/bin/docker`. */
  readonly path: string;
  readonly kind: Kind;
  /** All options, including those before the subcommand. */
  readonly options: readonly Option[];
  /** The other words: the image and the container's command, several images, or files. */
  readonly rest: readonly Word[];
  readonly caller: Caller;
}

/** A program that reads a file as a script, so that the file needs no `#!`. */
export type Reader = 'shell' | 'interpreter';

/** The command that a command line runs, or why it is not known. */
export type ReadCommand =
  | { readonly kind: 'container'; readonly command: ContainerCommand }
  /** A shell that runs a script given as a word (`-c`), or its input if there is none. */
  | {
      readonly kind: 'shell';
      readonly script?: Word;
      /** `$0`, `$1`, … */
      readonly args: readonly Word[];
      readonly stopsAtFailure: boolean;
      readonly caller: Caller;
    }
  /** A program, or a file that a shell or an interpreter runs, which may be a script of the root. */
  | {
      readonly kind: 'file';
      /** The file and its arguments. */
      readonly words: readonly Word[];
      readonly stopsAtFailure: boolean;
      /** The program that reads the file, whatever its first line says; absent if it is started itself. */
      readonly reader?: Reader;
      readonly caller: Caller;
      /** The fault if the file is no script that can be read. */
      readonly fault?: Fault;
    }
  /** `run-parts` and `find -exec`, which run the files of a directory: all, or only those that run-parts runs. */
  | {
      readonly kind: 'parts';
      readonly words: readonly Word[];
      readonly isAny: boolean;
      readonly caller: Caller;
    }
  | { readonly kind: 'compose'; readonly command: ComposeCommand }
  | { readonly kind: 'fault'; readonly fault: Fault }
  /** A command that names no images. */
  | { readonly kind: 'other' };

export const other: ReadCommand = { kind: 'other' };
