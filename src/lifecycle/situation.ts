import { type AdditionalStore, readAdditionalStore } from '../engine/containers-storage/images.ts';
import type { Engine, EngineImage } from '../engine/engine.ts';
import { EngineError } from '../engine/errors.ts';
import type { Pin } from '../engine/pin.ts';
import type { RootRecord } from '../state/record.ts';
import { recordsFromPins } from '../state/recover.ts';
import type { Context } from './context.ts';
import { LifecycleError } from './error.ts';

/** The records of the roots on an engine, and its images and pins, at one moment. */
export interface Situation {
  /** The records of the roots on this engine, also those that were made again from pins. */
  readonly records: ReadonlyMap<string, RootRecord>;
  /** The records of roots that are staged on another engine: this one knows nothing of their images. */
  readonly elsewhere: ReadonlyMap<string, RootRecord>;
  readonly images: ReadonlyMap<string, EngineImage>;
  readonly pins: readonly Pin[];
  /** The ids of the images that wait whole in the engine's depot: they need no network any more. */
  readonly waiting: ReadonlySet<string>;
  /** The images of a read-only store of podman by now; undefined if the store is gone. */
  readonly store: (directory: string) => AdditionalStore | undefined;
}

/**
 * Reads records and engine. Records that are lost or damaged come back from the labels of the
 * pins, with a warning; nothing is written.
 */
export async function readSituation(context: Context): Promise<Situation> {
  return (await look(context)).situation;
}

/**
 * As `readSituation`, but also writes the records that were made again, puts damaged records aside, and
 * removes images that a killed program left half-written.
 */
export async function recoverSituation(context: Context): Promise<Situation> {
  const { situation, damaged, recovered } = await lookAfterRepair(context);
  for (const record of damaged) context.state.setAside(record);
  for (const record of recovered) context.state.write(record);
  return situation;
}

/** Looks at the engine. If half-written images keep it from listing its images, it is repaired first. */
async function lookAfterRepair(context: Context) {
  const { engine, report, signal } = context;
  try {
    return await look(context);
  } catch (error) {
    const isTorn = error instanceof EngineError && error.code === 'torn-image';
    if (!isTorn || engine.repair === undefined) throw error;
  }
  for (const id of await engine.repair(signal)) {
    const message = `removed ${id}, which somebody who was killed had left half-written in ${engine.id}`;
    report({ event: 'warning', code: 'torn-image', message });
  }
  return look(context);
}

async function look(context: Context) {
  const { engine, state, report } = context;
  // The pins are read before the records. A stage writes its record before it pins, so a root with a pin
  // here and no record afterwards has really lost the record.
  const holds = engine.depot?.pins() ?? [];
  const [images, pins] = await Promise.all([engine.images(), engine.pins()]);
  const waiting = await wholeOf(engine, holds);
  const { byId, damaged } = state.records();
  const isLost = ({ root }: Pin) => !byId.has(root);
  const own = new Set(await genuine(engine, pins.filter(isLost)));
  const lost = [...own, ...holds.filter(isLost)];
  const recovered = recordsFromPins(lost, byId, engine.id);
  for (const { path, message } of damaged) {
    report({
      event: 'warning',
      code: 'record-damaged',
      message: `the record ${path} is damaged: ${message}`,
    });
  }
  for (const { id } of recovered) {
    const isUnproven = lost.some((pin) => pin.root === id && pin.unproven === true);
    const but = isUnproven
      ? '; nothing proves that berth fetched its images, so `berth prune` will leave them'
      : '';
    const message = `the record of ${id} is lost; what its pins tell stands in for it${but}`;
    report({ event: 'warning', code: 'record-lost', root: id, message });
  }
  const all = [...byId.values(), ...recovered];
  const entries = (records: readonly RootRecord[]) => new Map(records.map((r) => [r.id, r]));
  const situation: Situation = {
    records: entries(all.filter((record) => record.engine === engine.id)),
    elsewhere: entries(all.filter((record) => record.engine !== engine.id)),
    images: new Map(images.map((image) => [image.id, image])),
    pins: pins.filter((pin) => !isLost(pin) || own.has(pin)),
    waiting,
    store: once(readAdditionalStore),
  };
  return { situation, damaged, recovered };
}

/** The pins that berth made. No record is made again from something that only looks like a pin. */
async function genuine(engine: Engine, pins: readonly Pin[]): Promise<readonly Pin[]> {
  return pins.length === 0 ? pins : ((await engine.genuine?.(pins)) ?? pins);
}

/** The ids of the waiting images of which everything is here. */
async function wholeOf(engine: Engine, holds: readonly Pin[]): Promise<ReadonlySet<string>> {
  const found = holds.flatMap(({ id, platform, names }) => {
    const images = names.map(({ name, ...meaning }) =>
      engine.depot?.find(name, { ...meaning, platform }),
    );
    return images.every((image) => image !== undefined) ? [{ id, images }] : [];
  });
  if (found.length === 0) return new Set();
  const asked = found.flatMap(({ images }) => images);
  const footprint = await engine.footprint(asked);
  const broken = new Set(
    asked.filter((_, index) => (footprint.images[index]?.missing ?? []).length > 0),
  );
  const whole = found.filter(({ images }) => !images.some((image) => broken.has(image)));
  return new Set(whole.map(({ id }) => id));
}

/** Each store is read at most once, and only if something is asked of it. */
function once(read: (directory: string) => AdditionalStore | undefined): Situation['store'] {
  const known = new Map<string, AdditionalStore | undefined>();
  return (directory) => {
    if (!known.has(directory)) known.set(directory, read(directory));
    return known.get(directory);
  };
}

/** @throws {BerthError} `other-engine` if the root is staged on another engine than this. */
export function refuseElsewhere({ elsewhere }: Situation, id: string): void {
  const record = elsewhere.get(id);
  if (record === undefined) return;
  throw new LifecycleError('other-engine', `${id} is staged on ${record.engine}`, {
    hint: `say --engine ${record.engine}, or release it there first`,
    kind: 'refused',
  });
}
