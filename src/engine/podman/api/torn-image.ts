import { EngineError } from '../../errors.ts';

/**
 * An image that was left half-written when its writer was killed. The engine knows nothing but its id, and
 * can't list any other image as long as it exists. `repairImages` removes it.
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
