import type { EngineImage } from '../engine/engine.ts';
import { isNameOrId } from '../image/name.ts';
import type { Situation } from './situation.ts';

/** Whether a full name, a name by digest, or an id or the start of one, means an image on the engine. */
export function isCalled({ id, names, digests }: EngineImage, name: string): boolean {
  return names.includes(name) || digests.includes(name) || isIdOf(name, id);
}

/** Whether a text is an id, or at least 12 hexadecimal digits of its start. */
export function isIdOf(text: string, id: string): boolean {
  const hex = text.replace(/^sha256:/, '');
  return /^[0-9a-f]{12,64}$/.test(hex) && id.startsWith(`sha256:${hex}`);
}

/** Every image id that names, digests or ids may mean, by the engines and by records. */
export function idsCalled(
  names: readonly string[],
  { engines, records }: Pick<Situation, 'engines' | 'records'>,
): ReadonlySet<string> {
  const ids = new Set<string>();
  const called = (image: EngineImage) => names.some((name) => isCalled(image, name));
  for (const { images } of engines.values()) {
    for (const image of images.values()) if (called(image)) ids.add(image.id);
  }
  for (const record of records.values()) {
    for (const image of record.staged?.images ?? []) {
      if (names.includes(image.id) || image.names.some(({ name }) => names.includes(name)))
        ids.add(image.id);
    }
  }
  return ids;
}

/**
 * The name under which a pin made by hand holds an image: the name that was asked for, if the image has
 * it, else a name that can be read back from a pin, else the id.
 */
export function nameForPin({ id, names, digests }: EngineImage, asked: string): string {
  if (names.includes(asked)) return asked;
  return [...names, ...digests].find(isNameOrId) ?? id;
}
