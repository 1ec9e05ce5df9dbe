import { serves } from '../../engine/containers-storage/images.ts';
import type { RecordReference, RootRecord } from '../../state/record.ts';
import type { EngineSituation } from '../situation.ts';

/**
 * Whether the service of a `.image` unit has to pull. It need not if the images that it pulls are on
 * the root's record and their names are there, whatever image the names mean by now.
 *
 * @param record with the images of the engine alone.
 * @param unit the service: `app-image.service`.
 */
export function isPullNeeded(
  record: RootRecord | undefined,
  { images, store }: Pick<EngineSituation, 'images' | 'store'>,
  unit: string,
): boolean {
  // While `berth apply` is under way, the names that it brings are only in `pending`.
  const stages = record?.staged === undefined ? [] : [record.staged, record.pending];
  const recorded = stages.flatMap((contents) => contents?.images ?? []);
  const provided = stages.flatMap((contents) => contents?.provided ?? []);
  const isOfUnit = ({ references }: { readonly references: readonly RecordReference[] }) =>
    references.some((reference) => reference.unit === unit || reference.imageService === unit);
  const known = [...images.values()];
  const isThere = (name: string) =>
    known.some((image) => image.names.includes(name) || image.digests.includes(name));
  const isProvided = (name: string, directory: string) =>
    store(directory)?.images.some((image) => serves(image, name)) === true;
  const found = [
    ...recorded.flatMap(({ names }) => names.filter(isOfUnit)).map(({ name }) => isThere(name)),
    ...provided.filter(isOfUnit).map(({ name, directory }) => isProvided(name, directory)),
  ];
  return found.length === 0 || found.includes(false);
}
