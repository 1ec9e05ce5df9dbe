import { byDigest } from '../../../image/name.ts';
import type { ResolvedImage } from '../../../image/resolved.ts';
import { EngineError } from '../../errors.ts';
import { type Containerd, KUBERNETES } from '../api/containerd.ts';
import { type Labels, setName, type Target } from '../api/names.ts';
import { isPinned, isPinnedByOthers, pinning, unpinning } from '../pins/pinned-label.ts';
import type { Found, Inventory } from './inventory.ts';

/**
 * The label of names that the CRI serves. If a name lacks the label, the CRI adds it, and also names the image by
 * its id.
 */
const SERVED: Labels = { 'io.cri-containerd.image': 'managed' };

/**
 * Makes a full name mean an image that is there.
 *
 * @throws {EngineError} `no-such-image`
 */
export async function tagImage(
  containerd: Containerd,
  inventory: Inventory,
  id: string,
  name: string,
): Promise<void> {
  const image = inventory.images.get(id);
  const target = image === undefined ? undefined : targetFor(image, name);
  if (image === undefined || target === undefined) {
    throw new EngineError(
      'no-such-image',
      `${id} can't be named ${name}: containerd does not have it`,
      { hint: 'it was removed meanwhile; run the same command again' },
    );
  }
  await giveName(containerd, inventory, image.id, name, target);
}

/** The document that is named by digest in the same repository, or else any document that leads to the image. */
function targetFor({ targets, names }: Found, name: string): Target | undefined {
  const named = targets.filter(({ digest }) => {
    const wanted = byDigest(name, digest);
    return names.some((each) => each.name === wanted && each.target.digest === digest);
  });
  return named.at(-1) ?? targets[0];
}

/**
 * Gives an image a name, and in the namespace of Kubernetes also the name that the CRI gives every image: its
 * id. A name of a pinned image is pinned like the others.
 */
export async function giveName(
  containerd: Containerd,
  { names, images }: Inventory,
  id: string,
  name: string,
  target: Target,
): Promise<void> {
  const isKubernetes = containerd.namespace === KUBERNETES;
  const isHeld = images.get(id)?.names.some(({ labels }) => isPinned(labels)) === true;
  for (const each of isKubernetes ? [name, id] : [name]) {
    const before = names.find((one) => one.name === each);
    const labels = before?.labels ?? {};
    if (each === id && before !== undefined) continue;
    const pins = isPinnedByOthers(labels) ? {} : isHeld ? pinning(labels) : unpinning(labels);
    await setName(containerd, each, target, { ...(isKubernetes ? SERVED : {}), ...pins });
  }
}

/** The name that a fetch gives an image. */
export function fetchedName({ name, digest }: ResolvedImage): string {
  return byDigest(name, digest);
}
