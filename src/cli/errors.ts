import { BerthError, type FailureKind } from '../common/errors.ts';

export type CliErrorCode =
  /** Flags or arguments make no sense together. */
  | 'usage'
  /** The result can't be written to standard output. */
  | 'output'
  /** A signal ended the command. */
  | 'interrupted'
  /** The argument of `berth load` is not a bundle file. */
  | 'bundle-file'
  /** `berth lock` was given a root into which nothing can be written. */
  | 'lock-root'
  /** `berth ship` was given a root into which nothing can be written. */
  | 'ship-root';

const kinds: Readonly<Record<CliErrorCode, FailureKind>> = {
  usage: 'usage',
  output: 'failed',
  interrupted: 'failed',
  'bundle-file': 'usage',
  'lock-root': 'usage',
  'ship-root': 'usage',
};

/** A mistake on the command line, or something that the command itself could not do. */
export class CliError extends BerthError<CliErrorCode> {
  constructor(code: CliErrorCode, message: string, options: { hint: string; cause?: unknown }) {
    super(code, message, { ...options, kind: kinds[code] });
  }
}
