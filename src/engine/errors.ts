import { BerthError, type FailureKind } from '../common/errors.ts';

export type EngineErrorCode =
  /** The engine can't be reached or started. */
  | 'engine-unreachable'
  /** The engine refused or failed a request; the message has its words. */
  | 'engine-failed'
  /** A reply is not what the engine's interface promises. */
  | 'engine-reply'
  | 'no-such-image'
  /** The layout on disk is damaged in a way that berth must not repair by guessing. */
  | 'store-damaged'
  /** An image was left half-written, and the engine tells none of its images: `Engine.repair`. */
  | 'torn-image'
  /** The engine holds no more pins. */
  | 'no-locks'
  | 'no-space';

const kinds: { readonly [code in EngineErrorCode]?: FailureKind } = {
  'engine-unreachable': 'unreachable',
  'no-locks': 'refused',
  'no-space': 'refused',
};

export class EngineError extends BerthError<EngineErrorCode> {
  constructor(code: EngineErrorCode, message: string, options: { hint: string; cause?: unknown }) {
    super(code, message, { ...options, kind: kinds[code] ?? 'failed' });
  }
}
