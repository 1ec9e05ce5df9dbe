import { join } from 'node:path';
import { repositoryOf } from '../image/name.ts';
import { type Released, type RootRecord, wantedImages } from '../state/record.ts';
import * as transitions from '../state/transitions.ts';
import { halfWritten, removeHalfWritten } from '../store/broken-downloads.ts';
import { type Context, changing } from './context.ts';
import { readSituation, recoverSituation, type Situation } from './situation.ts';

/** An image that berth fetched, and what `prune` does with it. */
export interface PruneEntry {
  readonly id: string;
  readonly names: readonly string[];
  /** On disk, in bytes; 0 if the image is gone already. */
  readonly size: number;
  readonly verdict: PruneVerdict;
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

/** The images that `prune` would look at, and its verdict on each. Reads only. */
export async function planPrune(context: Context): Promise<readonly PruneEntry[]> {
  return prunable(await readSituation(context));
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
  { engine }: Context,
  entries: readonly PruneEntry[],
): Promise<number> {
  const removable = entries.filter(({ verdict }) => verdict.kind === 'removable');
  return removable.length === 0 ? 0 : engine.freed(new Set(removable.map(({ id }) => id)));
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
    const removed: PruneEntry[] = [];
    const kept: PruneEntry[] = [];
    const done = new Set<string>();
    const ids = new Set(shown.map(({ id }) => id));
    const entries = prunable(situation).filter(({ id }) => ids.has(id));
    const freed = await freedBy(context, entries);
    const broken = await removeHalfWritten(join(context.state.directory, 'store'));
    for (const entry of entries) {
      const outcome = await carryOut(context, entry);
      if (outcome.verdict.kind === 'kept') kept.push(outcome);
      else done.add(outcome.id);
      if (outcome.verdict.kind === 'removable') removed.push(outcome);
    }
    for (const record of situation.records.values()) forget(context, record, done);
    await (await context.loaded?.())?.forget(manifestsOf(situation));
    return { removed, kept, freed, broken };
  });
}

async function carryOut(context: Context, entry: PruneEntry): Promise<PruneEntry> {
  if (entry.verdict.kind !== 'removable') return entry;
  if (await context.engine.remove(entry.id)) {
    context.report({ event: 'removed', id: entry.id, name: entry.names[0] ?? entry.id });
    return entry;
  }
  return { ...entry, verdict: { kind: 'kept', by: 'a container' } };
}

/** The images of released roots, and those that berth fetched for no root, with a verdict on each. */
export function prunable(situation: Situation): readonly PruneEntry[] {
  const released = new Map<string, Released>();
  for (const record of situation.records.values()) {
    for (const entry of record.released) {
      const names = [...(released.get(entry.id)?.names ?? []), ...entry.names];
      released.set(entry.id, { ...entry, names: [...new Set(names)] });
    }
  }
  const wanted = new Set([...situation.records.values()].flatMap(wantedImages).map(({ id }) => id));
  for (const { id, names, digests, size, fetched } of situation.images.values()) {
    if (fetched !== true || wanted.has(id) || released.has(id)) continue;
    released.set(id, { id, names: names.length > 0 ? [...names] : [...digests], size });
  }
  return [...released.values()].map((entry) => ({
    id: entry.id,
    names: entry.names,
    size: situation.images.get(entry.id)?.size ?? 0,
    verdict: verdictOn(entry, situation),
  }));
}

function verdictOn(entry: Released, { images, records }: Situation): PruneVerdict {
  const image = images.get(entry.id);
  const wanting = [...records.values()].filter((record) =>
    wantedImages(record).some(({ id }) => id === entry.id),
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

/** The manifests that any root has on record, on whatever engine. */
function manifestsOf({ records, elsewhere }: Situation): ReadonlySet<string> {
  const all = [...records.values(), ...elsewhere.values()];
  return new Set(all.flatMap(wantedImages).map(({ manifest }) => manifest));
}

function forget({ state }: Context, record: RootRecord, done: ReadonlySet<string>): void {
  if (!record.released.some(({ id }) => done.has(id))) return;
  state.settle(record.id, transitions.pruned(record, done));
}
