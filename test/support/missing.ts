import type { Engine } from '../../src/engine/engine.ts';
import type { Blob, ResolvedImage } from '../../src/image/resolved.ts';

/** The blobs of an image that have to come from its source, as the engine says. */
export async function missingOf(engine: Engine, image: ResolvedImage): Promise<readonly Blob[]> {
  const { images } = await engine.footprint([image]);
  return images.flatMap(({ missing }) => missing);
}
