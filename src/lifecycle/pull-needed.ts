import type { Situation } from './context.ts';
import type { RootRecord } from './record.ts';

/**
 * Whether the service of a `.image` unit has to pull: not if what it pulls is on the root's record
 * and there, under whatever meaning its name has by now.
 *
 * @param unit the service: `app-image.service`.
 */
export function isPullNeeded(
  record: RootRecord | undefined,
  images: Situation['images'],
  unit: string,
): boolean {
  const names = (record?.staged?.images ?? [])
    .flatMap((image) => image.names)
    .filter(({ references }) =>
      references.some((reference) => reference.unit === unit || reference.imageService === unit),
    )
    .map(({ name }) => name);
  const known = [...images.values()];
  const isThere = (name: string) =>
    known.some((image) => image.names.includes(name) || image.digests.includes(name));
  return names.length === 0 || !names.every(isThere);
}
