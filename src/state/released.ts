import type { RecordImage, Released } from './record.ts';

/**
 * Adds images that berth fetched to a list of released images; each id appears once, with all its names.
 *
 * @param brought the ids of the images that berth fetched, according to pins and records.
 */
export function mergeReleased(
  released: readonly Released[],
  images: readonly RecordImage[],
  brought: ReadonlySet<string>,
): Released[] {
  const merged = new Map(released.map((entry) => [entry.id, entry]));
  for (const { id, names, size } of images) {
    if (!brought.has(id)) continue;
    const known = merged.get(id)?.names ?? [];
    merged.set(id, { id, size, names: [...new Set([...known, ...names.map((n) => n.name)])] });
  }
  return [...merged.values()];
}
