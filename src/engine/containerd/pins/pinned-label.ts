import type { Labels } from '../api/names.ts';

/** The CRI reports an image as pinned if one of its names has this label, and the kubelet then keeps the image. */
const PINNED = 'io.cri-containerd.pinned';

/** Beside `PINNED`: berth set that label, and not the administrator, the CRI itself or k3s. */
const BY_BERTH = 'berth.pinned';

/** Whether the CRI keeps an image for this name, whoever asked for that. */
export function isPinned(labels: Labels): boolean {
  return labels[PINNED] === 'pinned';
}

/** Whether somebody else than berth has pinned the image. */
export function isPinnedByOthers(labels: Labels): boolean {
  return isPinned(labels) && labels[BY_BERTH] === undefined;
}

/** The labels to set on a name of a pinned image: none if the name is pinned already. */
export function pinning(labels: Labels): Labels {
  return isPinned(labels) ? {} : { [PINNED]: 'pinned', [BY_BERTH]: 'true' };
}

/** The labels to set on a name of an image that berth no longer pins. Pins of others stay. */
export function unpinning(labels: Labels): Labels {
  return labels[BY_BERTH] === undefined ? {} : { [PINNED]: '', [BY_BERTH]: '' };
}
