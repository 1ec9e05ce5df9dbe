import type { ResolvedImage } from '../image/resolved.ts';
import type { Engine } from './engine.ts';
import type { Footprint, MissingBlobs } from './footprint.ts';

/** The footprint of images on an engine, which is asked once about each manifest, however many names it has. */
export async function footprintOn(
  engine: Pick<Engine, 'footprint'>,
  images: readonly ResolvedImage[],
): Promise<Footprint> {
  const byManifest = new Map(images.map((image) => [image.manifest, image]));
  const footprint = await engine.footprint([...byManifest.values()]);
  const known = new Map([...byManifest.keys()].map((of, at) => [of, footprint.images[at]]));
  const none: MissingBlobs = { lacking: [], missing: [] };
  return { ...footprint, images: images.map(({ manifest }) => known.get(manifest) ?? none) };
}
