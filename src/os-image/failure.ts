import { BerthError, type FailureKind } from '../common/errors.ts';

/** Why an OS image can't be read as a root. */
export function imageFailure(message: string, cause?: unknown): BerthError {
  return new BerthError('os-image', message, {
    hint: 'push or copy the image anew; what was read of it is not used',
    ...(cause === undefined ? {} : { cause }),
  });
}

/** What names no image that berth could read. */
export function noImage(message: string, hint: string, kind: FailureKind = 'usage'): BerthError {
  return new BerthError('os-image', message, { hint, kind });
}
