import type { Pin } from '../../pin.ts';
import { standsFor } from '../../pins/holds.ts';
import { isPinName } from '../../pins/pin-name.ts';
import { genuineHolds, listHolds, type Moorings, removeContainer } from './holds.ts';
import { removeEmptyPods } from './tidy.ts';

/** Drops pins with their duplicates and leftovers, then those pods of their roots that are empty. */
export async function unpinImages(moorings: Moorings, pins: readonly Pin[]): Promise<void> {
  const { api } = moorings;
  const { holds, leftovers } = await listHolds(moorings);
  const isDropped = standsFor(pins);
  const dropped = holds.filter(isDropped);
  for (const { container } of await genuineHolds(moorings, dropped)) {
    await removeContainer(api, container);
  }
  const roots = new Set(pins.map((pin) => pin.root));
  for (const { container, name, id } of leftovers) {
    const root = [...roots].find((candidate) => isPinName(name, candidate));
    if (root !== undefined && isDropped({ root, id })) await removeContainer(api, container);
  }
  for (const root of roots) await removeEmptyPods(moorings, root);
}
