import { BerthError } from '../common/errors.ts';

export type LifecycleErrorCode =
  /** The engine runs no services, so an apply has nothing to restart. */
  | 'no-services'
  /** The image is not there, so it can't be pinned. */
  | 'no-such-image'
  /** An apply is for the root that runs. */
  | 'not-live'
  | 'not-pinned'
  /** The root is staged on another engine. */
  | 'other-engine'
  /** Pins made by hand are no root's, and a root's pins are not made by hand. */
  | 'pinned'
  | 'unknown-root';

export class LifecycleError extends BerthError {
  declare readonly code: LifecycleErrorCode;

  constructor(
    code: LifecycleErrorCode,
    message: string,
    options: ConstructorParameters<typeof BerthError>[2],
  ) {
    super(code, message, { ...options });
  }
}
