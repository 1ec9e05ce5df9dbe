import { BerthError } from '../common/errors.ts';

/** The codes of errors of the state directory; docs/commands.md says what each means. */
export type StateErrorCode =
  /** A newer berth wrote the record. */
  | 'newer-record'
  /** No space is left for a file of the state directory. */
  | 'no-space'
  /** A user's id can't be the id of a root. */
  | 'root-id'
  /** The state directory, or a file of it, can't be used. */
  | 'state-directory';

/** The code of the problem of a record that was made again from pins. */
export type StateProblemCode = 'record-recovered';

export class StateError extends BerthError<StateErrorCode> {}
