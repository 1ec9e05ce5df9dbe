import type { Fault } from '../problem.ts';

/** The value of a flag in the command line of a service. */
export interface ProgramFlag {
  /** The unit file or drop-in that holds the command line. */
  readonly path: string;
  readonly line: number;
  readonly text: string;
  /** Why `text` is not completely known. */
  readonly fault?: Fault;
}

/** The flags of a service's command lines, with the variables of the service replaced. */
export interface ProgramFlags {
  /** The place of the last command line. */
  readonly place: { readonly path: string; readonly line: number };
  /** All values of an option, in order. */
  readonly all: (option: string) => readonly ProgramFlag[];
  /** The value of an option that counts, the last one. */
  readonly last: (option: string) => ProgramFlag | undefined;
  /** Whether a word stands in the command line. */
  readonly has: (word: string) => boolean;
  /** A variable of the service that is not empty. */
  readonly variable: (name: string) => ProgramFlag | undefined;
  /** The words that may hold any flags, because their variables are not known. */
  readonly unknown: readonly ProgramFlag[];
}

/** Reads the flags of a service; undefined if the root has no such unit. */
export type FlagsOf = (unit: string) => ProgramFlags | undefined;
