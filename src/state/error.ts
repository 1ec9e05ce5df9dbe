import { BerthError } from '../common/errors.ts';

/** The codes of errors of the state directory; docs/commands.md says what each means. */
export type StateErrorCode =
  /** A newer berth wrote the record. */
  | 'newer-record'
  /** No space is left for a file of the state directory. */
  | 'no-space'
  /** An id that a user gave can't be a root's id. */
  | 'root-id'
  /** The state directory, or a file of it, can't be used. */
  | 'state-directory';

/** The code of the problem that reports a record rebuilt from pins. */
export type StateProblemCode = 'record-recovered';

export class StateError extends BerthError<StateErrorCode> {}
