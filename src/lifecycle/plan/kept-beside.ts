import type { Wanted } from '../../binding/wanted.ts';
import type { EngineId } from '../../common/engine-id.ts';
import {
  type Contents,
  placeOf,
  type RecordImage,
  type RecordProvided,
  type RootRecord,
} from '../../state/record.ts';

/**
 * The images on record of engines that this stage leaves out, if they are still wanted: those of the last
 * whole stage, and for further names those of a later one. A root may have been downloaded for all its
 * engines, each of which is handed its images by another run.
 */
export function keptBeside(
  leftOut: Wanted['leftOut'],
  before: RootRecord | undefined,
): readonly RecordImage[] {
  const staged = imagesFor(leftOut, before?.staged);
  const further = leftOut.filter(({ engine, name }) => !servesAny(staged, engine, name));
  const known = new Set(staged.map(placeOf));
  const pending = imagesFor(further, before?.pending);
  return [...staged, ...pending.filter((image) => !known.has(placeOf(image)))];
}

/** The images in read-only stores that engines have which this stage leaves out, if still wanted. */
export function providedBeside(
  leftOut: Wanted['leftOut'],
  before: RootRecord | undefined,
): readonly RecordProvided[] {
  return (before?.staged?.provided ?? []).filter((entry) =>
    leftOut.some(({ engine, name }) => entry.engine === engine && entry.name === name),
  );
}

function imagesFor(wanted: Wanted['leftOut'], contents: Contents | undefined): RecordImage[] {
  return (contents?.images ?? []).filter((image) =>
    wanted.some(({ engine, name }) => servesAny([image], engine, name)),
  );
}

/** Whether some image is that of a name on an engine. */
export function servesAny(images: readonly RecordImage[], engine: EngineId, name: string): boolean {
  return images.some(
    (image) => image.engine === engine && image.names.some((served) => served.name === name),
  );
}
