import type { RecordReference } from '../state/record.ts';

/** The units that name an image, each once, in order. A list of images may have none. */
export function unitsOf(references: readonly Pick<RecordReference, 'unit'>[]): readonly string[] {
  return [...new Set(references.map(({ unit }) => unit))].filter((unit) => unit !== '').sort();
}
