import { Containers } from '../../grpc/generated/containerd/services/containers_pb.ts';
import type { Hold } from '../../pins/holds.ts';
import type { Containerd } from '../api/containerd.ts';
import { removeName } from '../api/names.ts';
import { isPinnedByOthers } from '../pins/pinned-label.ts';
import type { Found, Inventory } from './inventory.ts';

/**
 * Removes an image with all its names; containerd then collects whatever nothing protects any more.
 *
 * @returns false, with nothing changed, if a pin or a container holds the image, or if one of its names
 *   stands for the images of other platforms too.
 */
export async function removeImage(
  containerd: Containerd,
  inventory: Inventory,
  holds: readonly Hold[],
  id: string,
): Promise<boolean> {
  const image = inventory.images.get(id);
  if (image === undefined) return true;
  if (holds.some((hold) => hold.id === id) || isSharedOrPinned(inventory, image)) return false;
  if (await isInUse(containerd, inventory, image)) return false;
  const names = [...new Set(image.names.map(({ name }) => name))];
  for (const [index, name] of names.entries()) {
    await removeName(containerd, name, index === names.length - 1);
  }
  return true;
}

function isSharedOrPinned({ images }: Inventory, image: Found): boolean {
  const targets = new Set(image.targets.map(({ digest }) => digest));
  const isShared = [...images.values()].some(
    (other) => other.id !== image.id && other.targets.some(({ digest }) => targets.has(digest)),
  );
  return isShared || image.names.some(({ labels }) => isPinnedByOthers(labels));
}

/** Whether a container was made from the image: by a name of it, or on top of its layers. */
async function isInUse(
  { grpc, snapshotter }: Containerd,
  { snapshots }: Inventory,
  { names, id, chain }: Found,
): Promise<boolean> {
  const own = new Set([id, ...names.map(({ name }) => name)]);
  const top = chain.at(-1);
  const { containers } = await grpc.unary(Containers.method.list, {});
  return containers.some(
    ({ image, snapshotKey, snapshotter: other }) =>
      own.has(image) ||
      (top !== undefined && other === snapshotter && snapshots.get(snapshotKey)?.parent === top),
  );
}
