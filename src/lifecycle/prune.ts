import { join } from 'node:path';
import type { EngineId } from '../common/engine-id.ts';
import { repositoryOf } from '../image/name.ts';
import {
  isLiving,
  placeOf,
  type Released,
  type RootRecord,
  wantedImages,
} from '../state/record.ts';
import * as transitions from '../state/transitions.ts';
import { halfWritten, removeHalfWritten } from '../store/broken-downloads.ts';
import { type Context, changing, type EngineContext, onEngine } from './context.ts';
import {
  type EngineSituation,
  recoverSituation,
  type Situation,
  situationOn,
} from './situation.ts';

/** An image that berth fetched, and what `prune` does with it. */
export interface PruneEntry {
  readonly engine: EngineId;
  readonly id: string;
  readonly names: readonly string[];
  /** On disk, in bytes; 0 if the image is gone already. */
  readonly size: number;
  readonly verdict: PruneVerdict;
  /** A root for which one of the names means another image: the name stays there, and this image goes. */
  readonly movedFor?: string | undefined;
}

export type PruneVerdict =
  | { readonly kind: 'removable' }
  /** The image is gone already, and only the record of it is left. */
  | { readonly kind: 'gone' }
  /** Somebody else uses the image; `by` says who. */
  | { readonly kind: 'kept'; readonly by: string };

export interface Pruned {
  readonly removed: readonly PruneEntry[];
  readonly kept: readonly PruneEntry[];
  /** How many bytes removing the images frees, by `freedBy`. */
  readonly freed: number;
  /** How many bytes of broken downloads were removed. */
  readonly broken: number;
}

/** How many bytes of broken downloads berth's own store keeps, to continue them later. */
export function brokenDownloads({ state }: Context): number {
  return halfWritten(join(state.directory, 'store'));
}

/**
 * How many bytes removing the removable entries frees at most. Fewer bytes are freed if an image shares
 * layers with one that stays, and the engine does not tell.
 */
export async function freedBy(
  { engines }: Pick<Situation, 'engines'>,
  entries: readonly PruneEntry[],
): Promise<number> {
  const removable = entries.filter(({ verdict }) => verdict.kind === 'removable');
  let bytes = 0;
  for (const [engine, own] of Map.groupBy(removable, (entry) => entry.engine)) {
    const ids = new Set(own.map(({ id }) => id));
    bytes += await situationOn({ engines }, engine).engine.freed(ids);
  }
  return bytes;
}

/**
 * Removes and forgets images that berth fetched for released roots and that nothing uses. Also removes
 * the remains of broken downloads, unless a download is under way.
 *
 * @param shown the entries that the user has seen: nothing else is removed.
 */
export async function prune(context: Context, shown: readonly PruneEntry[]): Promise<Pruned> {
  return changing(context, 'exclusive', async () => {
    const situation = await recoverSituation(context);
    await dropLeftPins(situation);
    const removed: PruneEntry[] = [];
    const kept: PruneEntry[] = [];
    const done = new Set<string>();
    const places = new Set(shown.map(placeOf));
    const entries = prunable(situation).filter((entry) => places.has(placeOf(entry)));
    const freed = await freedBy(situation, entries);
    const broken = await removeHalfWritten(join(context.state.directory, 'store'));
    for (const entry of entries) {
      const { engine } = situationOn(situation, entry.engine);
      const outcome = await carryOut(onEngine(context, engine), entry);
      if (outcome.verdict.kind === 'kept') kept.push(outcome);
      else done.add(placeOf(outcome));
      if (outcome.verdict.kind === 'removable') removed.push(outcome);
    }
    for (const record of situation.records.values()) forget(context, record, done);
    await (await context.loaded?.())?.forget(manifestsOf(situation));
    return { removed, kept, freed, broken };
  });
}

/** Drops the pins of roots that were released while their engine was away, and what else is left of pins. */
async function dropLeftPins({ engines, records }: Situation): Promise<void> {
  for (const { engine, pins } of engines.values()) {
    const left = pins.filter(({ root }) => {
      const record = records.get(root);
      return record !== undefined && !isLiving(record);
    });
    if (left.length > 0) await engine.unpin(left);
    await engine.tidyPins?.();
  }
}

async function carryOut(context: EngineContext, entry: PruneEntry): Promise<PruneEntry> {
  if (entry.verdict.kind !== 'removable') return entry;
  if (await context.engine.remove(entry.id)) {
    context.report({ event: 'removed', id: entry.id, name: entry.names[0] ?? entry.id });
    return entry;
  }
  return { ...entry, verdict: { kind: 'kept', by: 'a container' } };
}

/** The images of released roots, and those that berth fetched for no root, with a verdict on each. */
export function prunable({
  engines,
  records,
}: Pick<Situation, 'engines' | 'records'>): readonly PruneEntry[] {
  return [...engines.values()].flatMap((on) => prunableOn(on, [...records.values()]));
}

/** @param all the records, with what they want of engines that are not looked at. */
function prunableOn(situation: EngineSituation, all: readonly RootRecord[]): readonly PruneEntry[] {
  const { engine, records, images } = situation;
  if (engine.absence !== undefined) return [];
  const released = new Map<string, Pick<Released, 'id' | 'names'>>();
  for (const record of records.values()) {
    for (const entry of record.released) {
      const names = [...(released.get(entry.id)?.names ?? []), ...entry.names];
      released.set(entry.id, { id: entry.id, names: [...new Set(names)] });
    }
  }
  const wanted = new Set([...records.values()].flatMap(wantedImages).map(({ id }) => id));
  for (const { id, names, digests, fetched } of images.values()) {
    if (fetched !== true || wanted.has(id) || released.has(id)) continue;
    released.set(id, { id, names: names.length > 0 ? [...names] : [...digests] });
  }
  return [...released.values()].map((entry) => ({
    engine: engine.id,
    id: entry.id,
    names: entry.names,
    size: images.get(entry.id)?.size ?? 0,
    verdict: verdictOn(entry, situation, all),
    movedFor: movedFor(entry, engine.id, all),
  }));
}

function verdictOn(
  entry: Pick<Released, 'id' | 'names'>,
  { engine, images }: EngineSituation,
  all: readonly RootRecord[],
): PruneVerdict {
  const image = images.get(entry.id);
  const { sharesStorageWith: sharing = [] } = engine.traits;
  const losers = new Set([engine.id, ...sharing]);
  const wanting = all.filter((record) =>
    wantedImages(record).some((wanted) => wanted.id === entry.id && losers.has(wanted.engine)),
  );
  if (wanting[0] !== undefined) return { kind: 'kept', by: wanting[0].id };
  if (image === undefined) return { kind: 'gone' };
  if (image.fetched === true) return { kind: 'removable' };
  const foreign = image.names.find((name) => !entry.names.includes(name));
  if (foreign !== undefined) return { kind: 'kept', by: `the name ${foreign}` };
  // Somebody who pulled the image by digest from another repository has put no tag on it.
  const repositories = new Set(entry.names.map(repositoryOf));
  const other = image.digests.find((digest) => !repositories.has(repositoryOf(digest)));
  if (other !== undefined) return { kind: 'kept', by: `the name ${other}` };
  return { kind: 'removable' };
}

/** A root for which a name of the entry means another image of the same engine. */
function movedFor(
  { id, names }: Pick<Released, 'id' | 'names'>,
  engine: EngineId,
  all: readonly RootRecord[],
): string | undefined {
  const named = new Set(names);
  const record = all.find((one) =>
    wantedImages(one).some(
      (image) =>
        image.engine === engine &&
        image.id !== id &&
        image.names.some(({ name }) => named.has(name)),
    ),
  );
  return record?.id;
}

/** The manifests that any root has on record, on whatever engine. */
function manifestsOf({ records }: Situation): ReadonlySet<string> {
  return new Set([...records.values()].flatMap(wantedImages).map(({ manifest }) => manifest));
}

function forget({ state }: Context, record: RootRecord, done: ReadonlySet<string>): void {
  if (!record.released.some((image) => done.has(placeOf(image)))) return;
  state.settle(record.id, transitions.pruned(record, done));
}
