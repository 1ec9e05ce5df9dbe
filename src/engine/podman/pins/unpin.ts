import type { Pin } from '../../pin.ts';
import { isPinName } from '../../pins/pin-name.ts';
import { genuineHolds, listHolds, listPods, type Moorings, removeContainer } from './holds.ts';

/** Drops pins with their duplicates and leftovers, then those pods of their roots that are empty. */
export async function unpinImages(moorings: Moorings, pins: readonly Pin[]): Promise<void> {
  const { api } = moorings;
  const { holds, leftovers } = await listHolds(moorings);
  const isDropped = (root: string, id: string) =>
    pins.some((pin) => pin.root === root && pin.id === id);
  const dropped = holds.filter(({ root, id }) => isDropped(root, id));
  for (const { container } of await genuineHolds(moorings, dropped)) {
    await removeContainer(api, container);
  }
  const roots = new Set(pins.map((pin) => pin.root));
  for (const { container, name, id } of leftovers) {
    const root = [...roots].find((candidate) => isPinName(name, candidate));
    if (root !== undefined && isDropped(root, id)) await removeContainer(api, container);
  }
  for (const root of roots) await removeEmptyPods(moorings, root);
}

/**
 * podman removes a pod with the containers in it, even without force, unless one of them runs. So a pin
 * that is made between the check and the removal is lost too; but `pin` checks again when it is done, and
 * the lifecycle lets nobody pin while a whole root is released.
 */
async function removeEmptyPods(moorings: Moorings, root: string): Promise<void> {
  for (const pod of await listPods(moorings, root)) {
    if ((pod.Containers ?? []).length > 0) continue;
    await moorings.api.status({ method: 'DELETE', path: `/pods/${pod.Id}` }, 200, 204, 404);
  }
}
