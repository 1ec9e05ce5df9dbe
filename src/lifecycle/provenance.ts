import type { Pin } from '../engine/engine.ts';
import { type RootRecord, wantedImages } from './record.ts';

/** The ids of the images that berth itself brought, as records and pins tell. */
export function broughtByBerth(
  records: ReadonlyMap<string, RootRecord>,
  pins: readonly Pin[],
): ReadonlySet<string> {
  const ids = new Set<string>();
  for (const pin of pins) if (pin.fetched) ids.add(pin.id);
  for (const record of records.values()) {
    for (const image of wantedImages(record)) if (image.fetched) ids.add(image.id);
    for (const image of record.released) ids.add(image.id);
  }
  return ids;
}

/** Who else means something by a name: root ids by the id of the image that they mean. */
export function meaningsOf(
  name: string,
  records: ReadonlyMap<string, RootRecord>,
): ReadonlyMap<string, readonly string[]> {
  const meanings = new Map<string, string[]>();
  for (const record of records.values()) {
    for (const image of record.staged?.images ?? []) {
      if (!image.names.some((served) => served.name === name)) continue;
      meanings.set(image.id, [...(meanings.get(image.id) ?? []), record.id]);
    }
  }
  return meanings;
}
