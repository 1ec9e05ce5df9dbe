import { placeOf, type RecordImage, type Released } from './record.ts';

/**
 * Adds images that berth fetched to a list of released images; each image of an engine appears once, with
 * all its names.
 *
 * @param brought the images that berth fetched, according to pins and records, as `placeOf` writes them.
 */
export function mergeReleased(
  released: readonly Released[],
  images: readonly RecordImage[],
  brought: ReadonlySet<string>,
): Released[] {
  const merged = new Map(released.map((entry) => [placeOf(entry), entry]));
  for (const image of images) {
    const place = placeOf(image);
    if (!brought.has(place)) continue;
    const { engine, id, size, names } = image;
    const known = merged.get(place)?.names ?? [];
    const all = [...new Set([...known, ...names.map(({ name }) => name)])];
    merged.set(place, { engine, id, size, names: all });
  }
  return [...merged.values()];
}
