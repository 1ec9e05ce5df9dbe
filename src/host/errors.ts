import { BerthError } from '../common/errors.ts';

export type HostErrorCode =
  /** berth.toml can't be read, or says something that berth does not know. */
  | 'config'
  /** No deployment of this host goes by the name that was asked for. */
  | 'no-deployment'
  /** A root has no id, several, or one that it must not have. */
  | 'root-id'
  /** A short name that means no image here, or may mean several. */
  | 'short-name'
  | 'ambiguous-short-name'
  /** Text that is no image name. */
  | 'image-name'
  /** A limit of the rate on an engine that downloads by itself. */
  | 'limit-rate'
  /** Options that exclude each other. */
  | 'usage';

/** A request or a configuration that this host can't follow. */
export class HostError extends BerthError<HostErrorCode> {
  constructor(code: HostErrorCode, message: string, hint: string) {
    super(code, message, { hint, kind: 'usage' });
  }
}
