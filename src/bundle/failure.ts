import { BerthError, type FailureKind } from '../common/errors.ts';

export type BundleErrorCode =
  /** The file is not as `berth bundle` writes it, or was changed on the way. */
  | 'bundle-damaged'
  /** The bundle leaves out layers that the host does not have. */
  | 'bundle-incomplete'
  | 'bundle-too-large'
  /** The file of `--since` is neither a lock nor a bundle. */
  | 'since'
  | 'no-space'
  | 'unwritable';

/** A bundle can't be made, written or read. */
export class BundleError extends BerthError<BundleErrorCode> {
  constructor(code: BundleErrorCode, message: string, options: { hint: string; cause?: unknown }) {
    super(code, message, { ...options, kind: kindOf(code) });
  }
}

function kindOf(code: BundleErrorCode): FailureKind {
  switch (code) {
    case 'bundle-incomplete':
    case 'no-space':
      return 'refused';
    case 'since':
      return 'usage';
    case 'bundle-damaged':
    case 'bundle-too-large':
    case 'unwritable':
      return 'failed';
  }
}

/** `withBundle` puts the name of the bundle before the message. */
export function bundleDamaged(expected: string, found: string, cause?: unknown): BundleError {
  return new BundleError('bundle-damaged', `expected ${expected}, found ${found}`, {
    hint: 'copy it again from where it was made; nothing in it is used',
    ...(cause === undefined ? {} : { cause }),
  });
}

/** As `bundleDamaged`, for what was never a bundle. */
export function noBundle(found: string): BundleError {
  const message = `expected a file that \`berth bundle\` wrote, found ${found}`;
  return new BundleError('bundle-damaged', message, {
    hint: 'see whether this is the right file, and whether the command that made it failed',
  });
}
