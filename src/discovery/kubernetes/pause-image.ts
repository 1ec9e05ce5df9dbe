import { imageOf } from '../image-value.ts';
import type { Problem } from '../problem.ts';
import type { Reference } from '../reference.ts';
import type { Found, SourceContext } from '../source.ts';
import { containerdImages } from './containerd-config.ts';
import { crioImages } from './crio-config.ts';
import type { ConfiguredImage } from './engine-config.ts';

/**
 * The images that a container engine of Kubernetes needs itself: the one whose process holds a
 * pod's namespaces, and what else CRI-O is told to keep. What the engine takes where nothing is
 * configured depends on its version, so it is not named.
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
    activation: 'unknown',
    via: [],
    ...(image.ok ? { image: image.image } : {}),
    pull: { policy: 'missing' },
    problems: image.ok ? [] : [{ ...image.fault, path, line, subject }],
  };
}
