import { EngineError } from '../../errors.ts';

/**
 * An image that was never finished, because what made it was killed: the engine knows its id and
 * nothing else of it, and can tell none of its other images as long as it is there.
 * `repairImages` takes it away.
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
