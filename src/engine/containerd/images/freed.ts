import { mapLimited } from '../../../common/limited.ts';
import type { Containerd } from '../api/containerd.ts';
import { snapshotSize } from '../api/snapshots.ts';
import type { Inventory } from './inventory.ts';

/** How many snapshots are asked for their size at a time. */
const ASKED_AT_A_TIME = 16;

/** As `Images.freed`: the sizes of the images' blobs and unpacked layers, each counted once. */
export async function freedBy(
  containerd: Containerd,
  { images, content, snapshots }: Inventory,
  ids: ReadonlySet<string>,
): Promise<number> {
  const going = [...images.values()].filter(({ id }) => ids.has(id));
  const digests = new Set(
    going.flatMap(({ manifest, blobs }) => [manifest, ...blobs.map(({ digest }) => digest)]),
  );
  const keys = new Set(going.flatMap(({ chain }) => chain.filter((key) => snapshots.has(key))));
  const unpacked = await mapLimited([...keys], ASKED_AT_A_TIME, (key) =>
    snapshotSize(containerd, key),
  );
  const blobs = [...digests].map((digest) => content.get(digest)?.size ?? 0);
  return [...blobs, ...unpacked].reduce((sum, size) => sum + size, 0);
}
