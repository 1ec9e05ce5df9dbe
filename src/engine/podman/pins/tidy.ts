import { listHolds, listPods, type Moorings, removeContainer } from './holds.ts';

/**
 * As `Pins.tidyPins`: containers that hold another image than they were made for, and pods of any root that are
 * empty, such as those that `podman rm -a` leaves.
 */
export async function tidyPins(moorings: Moorings): Promise<void> {
  const { astray } = await listHolds(moorings);
  for (const { container } of astray) await removeContainer(moorings.api, container);
  await removeEmptyPods(moorings);
}

/**
 * Removes the empty pods of a root, or of any root. podman removes a pod with the containers in it, even
 * without force, unless one of them runs. So a pin that is made between the check and the removal is lost
 * too; but `pin` checks again when it is done, and the lifecycle lets nobody pin while a whole root is
 * released.
 */
export async function removeEmptyPods(
  moorings: Pick<Moorings, 'api' | 'keeper'>,
  root?: string,
): Promise<void> {
  for (const pod of await listPods(moorings, root)) {
    if ((pod.Containers ?? []).length > 0) continue;
    await moorings.api.status({ method: 'DELETE', path: `/pods/${pod.Id}` }, 200, 204, 404);
  }
}
