import { BerthError } from '../common/errors.ts';

/** The first layers of one image, which an engine unpacks while the others are on their way. */
export interface Ahead {
  /**
   * Has the engine unpack so many of the first layers, which are at hand. Does nothing while the engine unpacks fewer
   * of them: what is left then comes with the next part, or with the image.
   */
  unpack(layers: number): void;

  /**
   * Waits until the engine has unpacked what it has begun, and removes the images that kept the layers until the
   * whole image came, also those that killed runs have left.
   */
  end(): Promise<void>;
}

/**
 * Layers ahead by means of partial images. Nothing depends on them, so a failure only means that the layers
 * come with the image.
 *
 * @param load has the engine unpack a partial image of so many layers.
 * @param clear removes the partial images.
 */
export function aheadBy(
  load: (layers: number) => Promise<void>,
  clear: () => Promise<void>,
): Ahead {
  let isBusy = false;
  let underWay = Promise.resolve();
  return {
    unpack: (layers) => {
      if (isBusy) return;
      isBusy = true;
      underWay = unlessFailed(() => load(layers)).finally(() => (isBusy = false));
      // `end` sees a bug; until then the promise must not count as unhandled.
      underWay.catch(() => undefined);
    },
    end: async () => {
      try {
        await underWay;
      } finally {
        await unlessFailed(clear);
      }
    },
  };
}

async function unlessFailed(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof BerthError)) throw error;
  }
}
