import { setTimeout as delay } from 'node:timers/promises';
import { BerthError } from '../common/errors.ts';
import { type AdditionalStore, readAdditionalStore } from '../engine/containers-storage/images.ts';
import type { Engine, EngineImage } from '../engine/engine.ts';
import { TornImageError } from '../engine/errors.ts';
import type { Pin } from '../engine/pin.ts';
import type { RootRecord } from '../state/record.ts';
import { recordsFromPins } from '../state/recover.ts';
import type { Context } from './context.ts';

/** What is wanted on an engine and what is there, at one moment. */
export interface Situation {
  /** Of the roots on this engine, those made again from pins too. */
  readonly records: ReadonlyMap<string, RootRecord>;
  /** Of the roots that are staged on another engine: this one knows nothing of their images. */
  readonly elsewhere: ReadonlyMap<string, RootRecord>;
  readonly images: ReadonlyMap<string, EngineImage>;
  readonly pins: readonly Pin[];
  /** The ids of the images that wait to be unpacked, whole: they need no network any more. */
  readonly downloaded: ReadonlySet<string>;
  /** What a read-only store of podman has by now; undefined if it is gone. */
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
 * As `readSituation`, and writes the records that were made again; the damaged are put aside, and
 * images that somebody was killed over are removed.
 */
export async function recoverSituation(context: Context): Promise<Situation> {
  const { situation, damaged, recovered } = await withoutTorn(context, () => look(context));
  for (const record of damaged) context.state.setAside(record);
  for (const record of recovered) context.state.write(record);
  return situation;
}

/** How long an image may take from the list to its manifest: another podman may just be at it. */
const FINISHED_IN = 1000;

async function withoutTorn<T>(context: Context, work: () => Promise<T>): Promise<T> {
  const { engine, report, signal } = context;
  const removed = new Set<string>();
  let last: string | undefined;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof TornImageError) || removed.has(error.id)) throw error;
      const { id } = error;
      if (id === last) {
        await engine.remove(id);
        removed.add(id);
        const message = `removed ${id}, which somebody who was killed had left half-written in podman`;
        report({ event: 'warning', code: 'torn-image', message });
      } else {
        await delay(FINISHED_IN, undefined, { signal });
      }
      last = id;
    }
  }
}

async function look(context: Context) {
  const { engine, state, report } = context;
  // First the pins: a stage writes its record before it pins, so what has a pin here and no
  // record afterwards has really lost it.
  const waiting = engine.depot?.pins() ?? [];
  const [images, pins] = await Promise.all([engine.images(), engine.pins()]);
  const downloaded = await wholeOf(engine, waiting);
  const { byId, damaged } = state.records();
  const isLost = ({ root }: Pin) => !byId.has(root);
  const own = new Set(await genuine(engine, pins.filter(isLost)));
  const lost = [...own, ...waiting.filter(isLost)];
  const recovered = recordsFromPins(lost, byId, engine.name);
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
    records: entries(all.filter((record) => record.engine === engine.name)),
    elsewhere: entries(all.filter((record) => record.engine !== engine.name)),
    images: new Map(images.map((image) => [image.id, image])),
    pins: pins.filter((pin) => !isLost(pin) || own.has(pin)),
    downloaded,
    store: once(readAdditionalStore),
  };
  return { situation, damaged, recovered };
}

/** A record is made again from nothing that only looks like a pin. */
async function genuine(engine: Engine, pins: readonly Pin[]): Promise<readonly Pin[]> {
  return pins.length === 0 ? pins : ((await engine.genuine?.(pins)) ?? pins);
}

/** The ids of those that wait of which everything is here. */
async function wholeOf(engine: Engine, waiting: readonly Pin[]): Promise<ReadonlySet<string>> {
  const whole = new Set<string>();
  for (const { id, platform, names } of waiting) {
    const images = names.map(({ name, ...meaning }) =>
      engine.depot?.find(name, { ...meaning, platform }),
    );
    const found = images.filter((image) => image !== undefined);
    const missing = await Promise.all(found.map((image) => engine.missingBlobs(image)));
    if (found.length === names.length && missing.flat().length === 0) whole.add(id);
  }
  return whole;
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
  throw new BerthError('other-engine', `${id} is staged on ${record.engine}`, {
    hint: `say --engine ${record.engine}, or release it there first`,
    kind: 'refused',
  });
}
