import { BerthError } from '../common/errors.ts';

export type HostErrorCode =
  /** berth.toml can't be read, or has a key or value that berth does not know. */
  | 'config'
  /** No deployment of this host has the given name. */
  | 'no-deployment'
  /** A root has no id, several ids, or an id that is not allowed. */
  | 'root-id'
  /** A short name has no meaning here, or may have several. */
  | 'short-name'
  | 'ambiguous-short-name'
  /** A text is not an image name. */
  | 'image-name'
  /** A rate limit was set for an engine that downloads by itself. */
  | 'limit-rate'
  /** No unit of a root has the given name. */
  | 'no-unit'
  /** Options exclude each other. */
  | 'usage';

/** A request or a configuration with which this host can't comply. */
export class HostError extends BerthError<HostErrorCode> {
  constructor(code: HostErrorCode, message: string, hint: string) {
    super(code, message, { hint, kind: 'usage' });
  }
}
