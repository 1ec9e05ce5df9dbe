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
  /** As `TornImageError`. */
  | 'torn-image'
  | 'no-space';

const kinds: { readonly [code in EngineErrorCode]?: FailureKind } = {
  'engine-unreachable': 'unreachable',
  'no-space': 'refused',
};

export class EngineError extends BerthError {
  declare readonly code: EngineErrorCode;

  constructor(code: EngineErrorCode, message: string, options: { hint: string; cause?: unknown }) {
    super(code, message, { ...options, kind: kinds[code] ?? 'failed' });
  }
}

/**
 * An image that was never finished, because what made it was killed: the engine knows its id and
 * nothing else of it, and can tell none of its other images as long as it is there.
 * `Engine.remove` takes it away.
 */
export class TornImageError extends EngineError {
  readonly id: string;

  constructor(id: string, words: string) {
    const message = `the image ${id} was left half-written, and podman lists no image because of it: ${words}`;
    const hint = `\`podman rmi ${id}\` removes it, and so do \`berth reconcile\` and \`berth stage\``;
    super('torn-image', message, { hint });
    this.id = id;
  }
}
