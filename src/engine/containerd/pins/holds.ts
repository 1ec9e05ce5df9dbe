import { mapLimited } from '../../../common/limited.ts';
import { type Hold, readHold } from '../../pins/holds.ts';
import { SCHEMA_LABEL } from '../../pins/labels.ts';
import type { Seals } from '../../pins/seals.ts';
import type { Containerd } from '../api/containerd.ts';
import { heldBy, type Lease, listLeases, type Resource } from '../api/leases.ts';
import type { Inventory } from '../images/inventory.ts';
import { fromLease } from './lease-labels.ts';
import { isPinned } from './pinned-label.ts';
import { resourcesOf } from './resources.ts';

/** How many leases are asked for what they hold at a time. */
const ASKED_AT_A_TIME = 16;

/** The leases of berth's pins, oldest first. A lease that merely has labels of berth is left alone. */
export async function listHolds(containerd: Containerd, seals: Seals): Promise<readonly Hold[]> {
  const leases = await listLeases(containerd, SCHEMA_LABEL);
  const check = seals.forList();
  return leases.toSorted(byAge).flatMap(({ id, labels }) => {
    const whole = fromLease(labels);
    const imageId = whole['berth.image'] ?? '';
    const read = readHold({ container: id, name: id, labels: whole, imageId }, check);
    return typeof read === 'string' ? [] : [read];
  });
}

/** The digests of the documents that pins name: an image may be there without any name. */
export function digestsOf(holds: readonly Hold[]): readonly string[] {
  return holds.flatMap(({ names }) => names.flatMap(({ digest, manifest }) => [digest, manifest]));
}

/** The holds that hold every present part of their image, of which at least one name has the CRI's label. */
export async function wholeHolds(
  containerd: Containerd,
  inventory: Inventory,
  holds: readonly Hold[],
): Promise<readonly Hold[]> {
  const whole = await mapLimited(holds, ASKED_AT_A_TIME, (hold) =>
    isWhole(containerd, inventory, hold),
  );
  return holds.filter((_, index) => whole[index] === true);
}

async function isWhole(containerd: Containerd, inventory: Inventory, hold: Hold): Promise<boolean> {
  const image = inventory.images.get(hold.id);
  // Nothing can be held of an image that is gone. berth then reports the image as missing, not the pin.
  if (image === undefined) return true;
  const isTold = image.names.length === 0 || image.names.some(({ labels }) => isPinned(labels));
  if (!isTold) return false;
  const held = new Set((await heldBy(containerd, hold.container)).map(keyOf));
  return resourcesOf(containerd, inventory, image, hold).every((one) => held.has(keyOf(one)));
}

function keyOf({ type, id }: Resource): string {
  return `${type} ${id}`;
}

function byAge(a: Lease, b: Lease): number {
  return a.created - b.created || (a.id < b.id ? -1 : 1);
}
