import { setTimeout } from 'node:timers/promises';
import { EngineError } from '../errors.ts';

/**
 * The waits, in milliseconds, while CRI-O names a half-written image: a podman on the same storage may be
 * writing it just now.
 */
const WAITS: readonly number[] = [50, 100, 200, 400, 800, 1600];

/** containers/storage has the image on its list but not its manifest, which is written last. */
const TORN = /locating item named "manifest" for image with ID "([0-9a-f]{64})"/;

/**
 * Asks again while somebody else is writing an image.
 *
 * @throws {EngineError} `torn-image` if no writer finishes it.
 */
export async function untilWritten<T>(
  ask: () => Promise<T>,
  [wait, ...waits]: readonly number[] = WAITS,
): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    const id = error instanceof EngineError ? TORN.exec(error.message)?.[1] : undefined;
    if (id === undefined) throw error;
    if (wait === undefined) throw tornImage(id, error);
    await setTimeout(wait);
  }
  return untilWritten(ask, waits);
}

function tornImage(id: string, cause: unknown): EngineError {
  return new EngineError(
    'torn-image',
    `the image ${id} was left half-written, and crio lists no image because of it`,
    {
      hint: `\`podman rmi ${id}\` removes it, and so do \`berth reconcile\` and \`berth stage\``,
      cause,
    },
  );
}
