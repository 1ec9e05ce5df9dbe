import { onceFor } from '../common/once-for.ts';
import type { EngineImage } from '../engine/engine.ts';
import type { Pin } from '../engine/pin.ts';
import { driftOf, placeOf, type RecordImage, type RootRecord } from '../state/record.ts';
import { removalOf } from '../state/removed.ts';
import type { EngineSituation, Situation } from './situation.ts';

/**
 * The images that berth itself brought, as engines, pins and records tell; each as `placeOf` writes it.
 * Images that an unfinished stage was about to fetch do not count, since somebody else may have brought
 * them: unless an image has no tag, as only berth brings images without one.
 */
export const broughtByBerth = onceFor(({ engines, records }: Situation): ReadonlySet<string> => {
  const places = new Set<string>();
  for (const situation of engines.values()) {
    for (const id of broughtOn(situation)) places.add(placeOf({ engine: situation.engine.id, id }));
  }
  for (const record of records.values()) {
    for (const image of record.staged?.images ?? []) if (image.fetched) places.add(placeOf(image));
    for (const image of record.pending?.images ?? []) {
      // No pin says who brought an artifact.
      if (image.artifact === true && image.fetched) places.add(placeOf(image));
    }
    for (const image of record.released) places.add(placeOf(image));
  }
  return places;
});

function* broughtOn({ images, pins, records }: EngineSituation): Iterable<string> {
  for (const image of images.values()) if (image.fetched === true) yield image.id;
  for (const pin of pins) if (pin.fetched) yield pin.id;
  for (const { pending, staged } of records.values()) {
    for (const { id, lacking } of [...(pending?.images ?? []), ...(staged?.images ?? [])]) {
      if (lacking === true && images.get(id)?.names.length === 0) yield id;
    }
  }
}

/**
 * The ids of the roots that use a name on one engine, by the id of the image that the roots mean. For a name
 * that has drifted, this is the image to which the name has drifted.
 *
 * @param records of the engine, as `EngineSituation` has them.
 * @param except a root that is not asked.
 */
export function meaningsOf(
  name: string,
  records: ReadonlyMap<string, RootRecord>,
  except?: string,
): ReadonlyMap<string, readonly string[]> {
  const all = meanings(records).get(name) ?? new Map<string, readonly string[]>();
  const record = except === undefined ? undefined : records.get(except);
  const own = record === undefined ? [] : meantBy(record, name);
  if (own.length === 0) return all;
  const others = new Map(all);
  for (const id of own) {
    const roots = all.get(id)?.filter((root) => root !== except) ?? [];
    if (roots.length === 0) others.delete(id);
    else others.set(id, roots);
  }
  return others;
}

function meantBy(record: RootRecord, name: string): readonly string[] {
  const serves = (image: RecordImage) =>
    image.names.some((served) => served.name === name && !isRemoved(record, image, name));
  const images = (record.staged?.images ?? []).filter(serves);
  return images.map((image) => (driftOf(record, name) ?? image).id);
}

/** Whether somebody took the name from the image, and it is to stay so. */
function isRemoved(record: RootRecord, { engine, id }: RecordImage, name: string): boolean {
  return removalOf(record, { engine, id, name }) !== undefined;
}

/** The ids of roots, by name and then by the id of the image that the roots mean. */
const meanings = onceFor((records: ReadonlyMap<string, RootRecord>) => {
  const byName = new Map<string, Map<string, string[]>>();
  for (const record of records.values()) {
    for (const image of record.staged?.images ?? []) {
      for (const name of new Set(image.names.map((served) => served.name))) {
        if (isRemoved(record, image, name)) continue;
        const { id } = driftOf(record, name) ?? image;
        const ids = byName.get(name) ?? new Map<string, string[]>();
        byName.set(name, ids);
        const roots = ids.get(id) ?? [];
        ids.set(id, roots);
        roots.push(record.id);
      }
    }
  }
  return byName;
});

/** The pins of a root on one engine, by the image's id. */
export function pinsOf(root: string, pins: readonly Pin[]): ReadonlyMap<string, Pin> {
  return byRoot(pins).get(root) ?? new Map<string, Pin>();
}

const byRoot = onceFor(
  (pins: readonly Pin[]) =>
    new Map(
      [...Map.groupBy(pins, ({ root }) => root)].map(
        ([root, own]) => [root, new Map(own.map((pin) => [pin.id, pin]))] as const,
      ),
    ),
);

/** The image that a name means on the engine. */
export function imageNamed(
  name: string,
  images: ReadonlyMap<string, EngineImage>,
): EngineImage | undefined {
  return byName(images).get(name);
}

const byName = onceFor(
  (images: ReadonlyMap<string, EngineImage>) =>
    new Map([...images.values()].flatMap((image) => image.names.map((name) => [name, image]))),
);
