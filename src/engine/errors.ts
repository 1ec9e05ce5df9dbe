import { BerthError, type FailureKind } from '../common/errors.ts';

export type EngineErrorCode =
  /** The engine is not there, or can't be used by this berth; images can only wait for it. */
  | 'engine-absent'
  /** The engine can't be reached or started. */
  | 'engine-unreachable'
  /** The engine refused or failed a request; the message quotes it. */
  | 'engine-failed'
  /** A reply is not what the engine's interface promises. */
  | 'engine-reply'
  | 'no-such-image'
  /** The engine can't give an artifact a name, because the registry means another by it. */
  | 'artifact-name'
  /** The layout on disk is damaged in a way that berth must not repair by guessing. */
  | 'store-damaged'
  /** A half-written image keeps the engine from listing its images; `Engine.repair` removes it. */
  | 'torn-image'
  /** The engine has no room for more pins. */
  | 'no-locks'
  | 'no-space';

const kinds: { readonly [code in EngineErrorCode]?: FailureKind } = {
  'engine-absent': 'refused',
  'engine-unreachable': 'unreachable',
  'no-locks': 'refused',
  'no-space': 'refused',
};

export interface EngineErrorOptions {
  readonly hint: string;
  readonly cause?: unknown;
  /** The engine's own words, if the error is a failure of which the engine told. */
  readonly words?: string | undefined;
}

export class EngineError extends BerthError<EngineErrorCode> {
  /** The engine's own words, without what berth says about them; undefined if the engine said nothing. */
  readonly words: string | undefined;

  constructor(code: EngineErrorCode, message: string, options: EngineErrorOptions) {
    super(code, message, { ...options, kind: kinds[code] ?? 'failed' });
    this.words = options.words;
  }
}
