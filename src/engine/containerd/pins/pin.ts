import type { EngineId } from '../../../common/engine-id.ts';
import { EngineError } from '../../errors.ts';
import type { Pin, PinRequest } from '../../pin.ts';
import { type Hold, pinsOfHolds, says, standsFor, superfluousOf } from '../../pins/holds.ts';
import { pinInRounds } from '../../pins/in-rounds.ts';
import { pinLabels, SEAL_LABEL } from '../../pins/labels.ts';
import { newPinName } from '../../pins/pin-name.ts';
import type { Seals } from '../../pins/seals.ts';
import type { Containerd } from '../api/containerd.ts';
import { hold, makeLease, removeLease } from '../api/leases.ts';
import { labelName } from '../api/names.ts';
import type { Documents } from '../images/documents.ts';
import { type Found, type Inventory, takeInventory } from '../images/inventory.ts';
import { digestsOf, listHolds, wholeHolds } from './holds.ts';
import { toLease } from './lease-labels.ts';
import { pinning, unpinning } from './pinned-label.ts';
import { resourcesOf } from './resources.ts';

/** The tools with which pins are found and made. */
export interface Moorings {
  readonly containerd: Containerd;
  readonly documents: Documents;
  readonly seals: Seals;
  readonly engine: EngineId;
  /** Looks at everything; those who ask at the same time share one look. */
  readonly look: () => Promise<Looked>;
}

/** Everything in the namespace, and the leases of berth's pins. */
export interface Looked {
  readonly inventory: Inventory;
  readonly holds: readonly Hold[];
}

export async function look({
  containerd,
  documents,
  seals,
}: Omit<Moorings, 'look'>): Promise<Looked> {
  const holds = await listHolds(containerd, seals);
  return { holds, inventory: await takeInventory(containerd, documents, digestsOf(holds)) };
}

/** The whole pins: a pin without its label, or one that holds only a part of the image, counts as lost. */
export async function listPins(moorings: Moorings): Promise<readonly Pin[]> {
  const { inventory, holds } = await moorings.look();
  return pinsOfHolds(await wholeHolds(moorings.containerd, inventory, holds), moorings.engine);
}

/**
 * Pins images for a root: by a lease for each image, which never expires and which containerd's garbage collection
 * respects, and by a label on the image's names, which the kubelet respects. If that fails, nothing stays of the
 * leases that were made for it.
 */
export async function pinImages(
  tools: Moorings,
  root: string,
  requests: readonly PinRequest[],
): Promise<void> {
  const round = async (made: Set<string>) => {
    const { inventory, holds } = await tools.look();
    const images = requests.map((request) => foundFor(inventory, request));
    if (await labelNames(tools, images)) return true;
    const ours = holds.filter((each) => each.root === root);
    const relevant = ours.filter(({ id }) => requests.some((request) => request.id === id));
    const whole = await wholeHolds(tools.containerd, inventory, relevant);
    const missing = requests.filter((request) => !whole.some((each) => says(each, request)));
    for (const request of missing) {
      const lease = newPinName(root);
      made.add(lease);
      await makePin(tools, inventory, lease, root, request, foundFor(inventory, request));
    }
    if (missing.length > 0) return true;
    const kept = new Set(whole.map(({ container }) => container));
    const partial = relevant.filter(({ container }) => !kept.has(container));
    const superfluous = requests.flatMap((request) => superfluousOf(whole, request));
    for (const { container } of [...partial, ...superfluous]) {
      await removeLease(tools.containerd, container);
    }
    return partial.length + superfluous.length > 0;
  };
  return pinInRounds(root, requests, {
    round,
    holds: async (made) => {
      const { inventory, holds } = await tools.look();
      const own = holds.filter(({ container }) => made.has(container));
      return wholeHolds(tools.containerd, inventory, own);
    },
    remove: (lease) => removeLease(tools.containerd, lease),
    hint: HINT,
  });
}

const HINT =
  'see what else removes leases or labels in containerd, then run the same command again';

function foundFor({ images }: Inventory, { id }: PinRequest): Found {
  const image = images.get(id);
  if (image !== undefined) return image;
  throw new EngineError('no-such-image', `${id} can't be pinned: containerd does not have it`, {
    hint: 'it was removed meanwhile; run the same command again',
  });
}

/** @returns whether any label had to be set. */
async function labelNames({ containerd }: Moorings, images: readonly Found[]): Promise<boolean> {
  let changed = false;
  for (const name of images.flatMap(({ names }) => names)) {
    const labels = pinning(name.labels);
    if (Object.keys(labels).length === 0) continue;
    await labelName(containerd, name, labels);
    changed = true;
  }
  return changed;
}

async function makePin(
  { containerd, seals }: Moorings,
  inventory: Inventory,
  name: string,
  root: string,
  request: PinRequest,
  image: Found,
): Promise<void> {
  const labels = pinLabels(root, request);
  await makeLease(containerd, name, toLease({ ...labels, [SEAL_LABEL]: seals.make(name, labels) }));
  for (const resource of resourcesOf(containerd, inventory, image, request)) {
    if (!(await hold(containerd, name, resource))) return;
  }
}

/** Drops pins, and the labels of images that no root pins any more. The images stay. */
export async function unpinImages(tools: Moorings, pins: readonly Pin[]): Promise<void> {
  if (pins.length === 0) return;
  const { inventory, holds } = await tools.look();
  const isDropped = standsFor(pins);
  const left = new Set(holds.filter((each) => !isDropped(each)).map(({ id }) => id));
  // The labels go first: after a kill in between, the pins are still listed, and are dropped by the next try.
  for (const id of new Set(pins.map((pin) => pin.id))) {
    if (left.has(id)) continue;
    for (const name of inventory.images.get(id)?.names ?? []) {
      const labels = unpinning(name.labels);
      if (Object.keys(labels).length > 0) await labelName(tools.containerd, name, labels);
    }
  }
  for (const { container } of holds.filter(isDropped)) {
    await removeLease(tools.containerd, container);
  }
}
