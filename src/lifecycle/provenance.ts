import type { Pin } from '../engine/engine.ts';
import { driftOf, type RootRecord } from './record.ts';

/**
 * The ids of the images that berth itself brought, as pins and records tell. Not what a stage
 * that did not end was about to fetch: somebody else may have brought that since.
 */
export function broughtByBerth(
  records: ReadonlyMap<string, RootRecord>,
  pins: readonly Pin[],
): ReadonlySet<string> {
  const ids = new Set<string>();
  for (const pin of pins) if (pin.fetched) ids.add(pin.id);
  for (const record of records.values()) {
    for (const image of record.staged?.images ?? []) if (image.fetched) ids.add(image.id);
    for (const image of record.released) ids.add(image.id);
  }
  return ids;
}

/**
 * Who means what by a name: root ids by the id of the image that they mean. For the running root
 * that is what the name has drifted to.
 */
export function meaningsOf(
  name: string,
  records: Iterable<RootRecord>,
): ReadonlyMap<string, readonly string[]> {
  const meanings = new Map<string, string[]>();
  for (const record of records) {
    for (const image of record.staged?.images ?? []) {
      if (!image.names.some((served) => served.name === name)) continue;
      const { id } = driftOf(record, name) ?? image;
      meanings.set(id, [...(meanings.get(id) ?? []), record.id]);
    }
  }
  return meanings;
}
