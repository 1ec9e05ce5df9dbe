import { BerthError, type FailureKind } from '../common/errors.ts';

export type OsImageErrorCode = 'os-image';

/** An OS image can't be read as a root. */
export class OsImageError extends BerthError<OsImageErrorCode> {
  constructor(message: string, options: { hint: string; kind?: FailureKind; cause?: unknown }) {
    super('os-image', message, options);
  }
}

/** The error for a damaged image, or for something that is not an image. */
export function imageFailure(message: string, cause?: unknown): OsImageError {
  return new OsImageError(message, {
    hint: 'push or copy the image again; nothing read from it is used',
    ...(cause === undefined ? {} : { cause }),
  });
}

/** The error for a reference to no image that berth can read. */
export function noImage(message: string, hint: string, kind: FailureKind = 'usage'): OsImageError {
  return new OsImageError(message, { hint, kind });
}
