import type { EngineId } from '../common/engine-id.ts';
import type { EngineImage } from '../engine/engine.ts';
import { digestOf } from '../image/name.ts';
import type { RecordImage, RootRecord } from '../state/record.ts';
import * as transitions from '../state/transitions.ts';
import { type Context, changing, changingRoot } from './context.ts';
import { driftRequest } from './restore-pins.ts';
import { type EngineSituation, readSituation, type Situation } from './situation.ts';

/** A name of the running root that somebody else moved. */
export interface Drifted {
  readonly name: string;
  /** The image that the name means now. */
  readonly id: string;
  /** The image on the root's record. */
  readonly recorded: string;
}

/**
 * The names of a record that mean another image now on an engine than the record says.
 *
 * @param record with the images of that engine alone.
 * @param locked the names that the root's lock file ties to an image: they never drift.
 */
export function driftedNames(
  record: RootRecord,
  images: EngineSituation['images'],
  locked: ReadonlySet<string>,
): readonly Drifted[] {
  const current = currentOf(images);
  return (record.staged?.images ?? []).flatMap(({ id: recorded, names }) =>
    names.flatMap(({ name }) => {
      const id = locked.has(name) ? undefined : current.get(name)?.id;
      return id === undefined || id === recorded ? [] : [{ name, id, recorded }];
    }),
  );
}

/**
 * Records the names that have drifted, and pins the images to which they have: the running root keeps
 * what it runs now.
 *
 * @returns the record as it is now.
 */
export async function recordDrift(
  context: Context,
  record: RootRecord,
  { engine, images, pins }: EngineSituation,
  drifted: readonly Drifted[],
): Promise<RootRecord> {
  const drift = driftImages(engine.id, record, images, drifted);
  const [before, elsewhere] = driftOn(engine.id, record);
  const isSame = JSON.stringify(before) === JSON.stringify(drift);
  if (isSame && arePinned(record.id, drift, pins)) return record;
  // The pin of a stage says more than a drift pin: of which stage it is, and whether berth fetched.
  const staged = new Set(
    [...(record.staged?.images ?? []), ...(record.pending?.images ?? [])]
      .filter((image) => image.engine === engine.id)
      .map(({ id }) => id),
  );
  const own = drift.filter(({ artifact, id }) => artifact !== true && !staged.has(id));
  const changed = transitions.drifted(record, [...elsewhere, ...drift]);
  context.state.write(changed);
  await engine.pin(
    record.id,
    own.map((image) => driftRequest(record, image)),
  );
  const kept = new Set([...staged, ...own.map(({ id }) => id)]);
  const former = new Set(before.map(({ id }) => id).filter((id) => !kept.has(id)));
  const stale = pins.filter((pin) => pin.root === record.id && former.has(pin.id));
  if (stale.length > 0) await engine.unpin(stale);
  return changed;
}

/** The drift on one engine, and that on all others. */
function driftOn(engine: EngineId, { drift = [] }: RootRecord): [RecordImage[], RecordImage[]] {
  return [
    drift.filter((image) => image.engine === engine),
    drift.filter((image) => image.engine !== engine),
  ];
}

/** Whether the drift of a root on any engine differs from the recorded drift, or lacks a pin. */
export function hasDrifted(
  { id }: RootRecord,
  { engines }: Situation,
  locked: ReadonlySet<string>,
): boolean {
  return [...engines.values()].some(({ engine, records, images, pins }) => {
    const record = records.get(id);
    if (record === undefined || engine.absence !== undefined) return false;
    const { drift = [] } = record;
    const found = driftImages(engine.id, record, images, driftedNames(record, images, locked));
    return JSON.stringify(drift) !== JSON.stringify(found) || !arePinned(id, drift, pins);
  });
}

/** Whether all drift is pinned: a run that was killed may have written the record and no pin. */
function arePinned(
  root: string,
  drift: readonly RecordImage[],
  pins: EngineSituation['pins'],
): boolean {
  return drift.every(
    ({ artifact, id }) =>
      artifact === true || pins.some((pin) => pin.root === root && pin.id === id),
  );
}

/**
 * Looks whether names of the running root have drifted, and records the drift.
 *
 * @returns whether anything changed.
 */
export function noteDrift(
  context: Context,
  id: string,
  locked: ReadonlySet<string>,
): Promise<boolean> {
  return changing(context, 'shared', () =>
    changingRoot(context, id, async () => {
      const { records, engines } = await readSituation(context, { root: id });
      const before = records.get(id);
      let record = before;
      for (const on of engines.values()) {
        const own = on.records.get(id);
        if (record?.staged === undefined || own === undefined) continue;
        if (on.engine.absence !== undefined) continue;
        record = await recordDrift(context, record, on, driftedNames(own, on.images, locked));
      }
      return record !== before;
    }),
  );
}

function driftImages(
  engine: EngineId,
  record: RootRecord,
  images: EngineSituation['images'],
  drifted: readonly Drifted[],
): RecordImage[] {
  // Another engine of the root may have an image of the same name.
  const own = (record.staged?.images ?? []).filter((image) => image.engine === engine);
  return [...Map.groupBy(drifted, ({ id }) => id)].flatMap(([id, names]) => {
    const image = images.get(id);
    const moved = new Set(names.map(({ name }) => name));
    return image === undefined ? [] : [imageAs(engine, own, image, moved)];
  });
}

/**
 * The record of an image to which names of the root were moved. berth did not fetch the image: it came
 * with whoever moved the names.
 */
export function imageAs(
  engine: EngineId,
  images: readonly RecordImage[],
  { id, artifact, digests, size }: EngineImage,
  moved: ReadonlySet<string>,
): RecordImage {
  const served = images.flatMap(({ platform, names }) =>
    names.filter(({ name }) => moved.has(name)).map((name) => ({ platform, ...name })),
  );
  const digest = (name: string) => digestOf(name, digests) ?? id;
  return {
    id,
    ...(artifact === true ? { artifact } : {}),
    manifest: digest(served[0]?.name ?? ''),
    platform: served[0]?.platform ?? '',
    size,
    fetched: false,
    names: served.map(({ name, references }) => ({ name, digest: digest(name), references })),
    engine,
  };
}

function currentOf(images: EngineSituation['images']): ReadonlyMap<string, EngineImage> {
  return new Map(
    [...images.values()].flatMap((image) => image.names.map((name) => [name, image] as const)),
  );
}
