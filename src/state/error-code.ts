/** The codes of errors of the state directory; docs/commands.md says what each means. */
export type StateErrorCode =
  /** A record of an API version that only a newer berth knows. */
  | 'newer-record'
  | 'no-space'
  /** An id that no root can have. */
  | 'root-id'
  /** The state directory can't be used, or others may write it. */
  | 'state-directory';

/** The code of the problem of a record that was made again from pins. */
export type StateProblemCode = 'record-recovered';
