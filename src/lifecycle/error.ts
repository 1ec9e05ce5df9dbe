import { BerthError } from '../common/errors.ts';

export type LifecycleErrorCode =
  /** The root's lock file can't be read, or locks a name to another image than was found. */
  | 'lock-file'
  /** The engine runs no services, so an apply has nothing to restart. */
  | 'no-services'
  /** The images or their pins do not fit. */
  | 'no-space'
  /** The image is not there, so it can't be pinned. */
  | 'no-such-image'
  /** An image that is to be built or loaded on this machine is not there, and no registry has it. */
  | 'not-here'
  /** An apply is for the running root only. */
  | 'not-live'
  | 'not-pinned'
  /** The engine takes the image from a registry only, so the image can't be downloaded ahead. */
  | 'only-direct'
  /** The root is staged on another engine. */
  | 'other-engine'
  /** Pins made by hand were named where a root is expected, or a root's pins where those made by hand are. */
  | 'pinned'
  /** The quiet hours of berth.toml: nothing is fetched now. */
  | 'quiet-hours'
  | 'unknown-root'
  /** The images can't be written into the root that is to ship them. */
  | 'unwritable';

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
