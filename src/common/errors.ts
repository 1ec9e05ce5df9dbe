/** How a failure concerns the caller; decides the exit code of the program. */
export type FailureKind =
  /** Something went wrong: exit 1. */
  | 'failed'
  /** The request or the configuration is wrong: exit 2. */
  | 'usage'
  /** Refused for space, policy or a pin: exit 4. */
  | 'refused'
  /** A registry or engine can't be reached, and a later try makes sense: exit 5. */
  | 'unreachable'
  /** Nothing is wrong: the work is put off until a time that this host's configuration says. Exit 6. */
  | 'waits';

/**
 * The base of every error that berth throws on purpose.
 *
 * `message` says what was expected, what was found and where; `hint` says what to do. Neither
 * ever holds a credential. Each room has a union of its codes, whose name ends in `ErrorCode`;
 * docs/commands.md lists all of them.
 */
export class BerthError<Code extends string = string> extends Error {
  readonly code: Code;
  readonly hint: string;
  readonly kind: FailureKind;

  constructor(
    code: Code,
    message: string,
    options: { hint: string; kind?: FailureKind; cause?: unknown },
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.hint = options.hint;
    this.kind = options.kind ?? 'failed';
  }
}

/** Whether a file system or a quota had no room left for bytes or files. */
export function isOutOfSpace(error: unknown): boolean {
  const code = systemErrorCode(error);
  return code === 'ENOSPC' || code === 'EDQUOT';
}

/** The `code` of a Node system error (`ENOENT`, `ECONNREFUSED`, …), or undefined for any other value. */
export function systemErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
