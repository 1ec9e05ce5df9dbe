import { imageOf } from '../image-value.ts';
import type { Problem } from '../problem.ts';
import type { Reference } from '../reference.ts';
import type { Found, SourceContext } from '../source.ts';
import { containerdImages } from './containerd-config.ts';
import { crioImages } from './crio-config.ts';
import type { ConfiguredImage } from './engine-config.ts';

/**
 * Finds the images that the container engine of a Kubernetes node needs itself: the pause image,
 * whose process holds a pod's namespaces, and the images that CRI-O is configured to keep. The
 * default pause image depends on the engine's version, so it is not reported.
 */
export async function pauseImages(context: SourceContext): Promise<Found> {
  const problems: Problem[] = [];
  const images = [
    ...(await containerdImages(context, problems)),
    ...(await crioImages(context, problems)),
  ];
  return { references: images.map((image) => reference(image, context)), problems };
}

function reference(
  { raw, path, line, key, unit }: ConfiguredImage,
  { shortNames }: SourceContext,
): Reference {
  const image = imageOf(raw, shortNames);
  const subject = { unitPath: path, unit };
  return {
    raw,
    path,
    line,
    key,
    kind: 'pause',
    unit,
    unitPath: path,
    scope: 'system',
    engine: unit === 'crio.service' ? 'crio' : 'containerd',
    activation: 'unknown',
    via: [],
    ...(image.ok ? { image: image.image } : {}),
    pull: { policy: 'missing' },
    problems: image.ok ? [] : [{ ...image.fault, path, line, subject }],
  };
}
