import type { EngineId } from '../common/engine-id.ts';
import type { Removed, RootRecord } from './record.ts';

/** Something that may have been removed: an image or its pin, or one name of the image. */
export interface Removable {
  readonly engine: EngineId;
  readonly id: string;
  readonly name?: string | undefined;
}

/**
 * The note on record that somebody removed something of a root, which is therefore not put back. A note on an image
 * covers all names of the image.
 */
export function removalOf({ removed }: RootRecord, of: Removable): Removed | undefined {
  return removed?.find(
    ({ engine, id, name }) =>
      engine === of.engine && id === of.id && (name === undefined || name === of.name),
  );
}
