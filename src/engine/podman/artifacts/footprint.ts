import { distinctBlobs, type ResolvedImage } from '../../../image/resolved.ts';
import { type Footprint, type Use, useOfBlobs } from '../../footprint.ts';
import type { StoredArtifact } from './artifacts.ts';

/**
 * The footprint of images and artifacts together. The files of an artifact are written as they come, and
 * never lie in the depot.
 *
 * @param ofImages the footprint of the images alone, in their order.
 * @param artifacts the artifacts that podman has.
 * @param directory podman's storage, which holds the artifacts, too.
 */
export function withArtifacts(
  all: readonly ResolvedImage[],
  ofImages: Footprint,
  artifacts: readonly StoredArtifact[],
  directory: string,
): Footprint {
  const held = new Set(artifacts.flatMap(({ layers }) => layers.map(({ digest }) => digest)));
  const images = ofImages.images.values();
  const each = all.map((image) => {
    if (image.artifact !== true) return images.next().value ?? { lacking: [], missing: [] };
    const lacking = distinctBlobs(image.blobs.filter(({ digest }) => !held.has(digest)));
    return { lacking, missing: lacking };
  });
  const wanted = all.flatMap((image, index) =>
    image.artifact === true ? (each[index]?.missing ?? []) : [],
  );
  const use = useOfBlobs(directory, distinctBlobs(wanted), all.length);
  const beside = (uses: readonly Use[]) => [...uses, use];
  const { direct, fromDepot } = ofImages;
  return {
    images: each,
    direct: beside(direct),
    ...(fromDepot === undefined ? {} : { fromDepot: beside(fromDepot) }),
  };
}
