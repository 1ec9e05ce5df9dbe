import { BerthError } from '../errors.ts';
import { type Context, changing, recoverSituation } from './context.ts';
import { moveNames } from './names.ts';
import { type RootRecord, wantedImages } from './record.ts';
import { removeRecord, writeRecord } from './records.ts';
import { mergeReleased } from './released.ts';
import { isManual } from './root-id.ts';

export interface ReleasedRoot {
  readonly id: string;
  /** How many pins were dropped. */
  readonly pins: number;
  /** How many images `prune` may take now, as far as nothing else holds them. */
  readonly images: number;
}

/**
 * Drops a root's pins. The images stay until `prune`; names on which this root differed from the
 * others settle on what those mean.
 *
 * @throws {BerthError} `unknown-root` if neither a record nor a pin knows the id; `pinned` for
 * pins made by hand.
 */
export async function release(context: Context, id: string): Promise<ReleasedRoot> {
  return changing(context, 'exclusive', async () => {
    const { records, pins } = await recoverSituation(context);
    const record = records.get(id);
    const own = pins.filter((pin) => pin.root === id);
    if (record === undefined && own.length === 0) throw unknownRoot(id, [...records.keys()]);
    if (isManual(id)) throw pinnedByHand(id);
    await context.engine.unpin(own);
    if (record === undefined) return { id, pins: own.length, images: 0 };
    const rest = settle(context, record);
    const names = wantedImages(record).flatMap((image) => image.names.map(({ name }) => name));
    const remaining = new Map(records);
    if (rest === undefined) remaining.delete(id);
    else remaining.set(id, rest);
    await moveNames(context, remaining, names);
    return { id, pins: own.length, images: rest?.released.length ?? 0 };
  });
}

/** The record wants nothing any more; what berth fetched for it is remembered until `prune`. */
function settle(context: Context, record: RootRecord): RootRecord | undefined {
  const { staged: _staged, pending: _pending, ...rest } = record;
  const released = mergeReleased(record.released, wantedImages(record));
  if (released.length === 0) {
    removeRecord(context.stateDirectory, record.id);
    return undefined;
  }
  const remaining: RootRecord = { ...rest, released };
  writeRecord(context.stateDirectory, remaining);
  return remaining;
}

function unknownRoot(id: string, known: readonly string[]): BerthError {
  return new BerthError('unknown-root', `no root ${id} is known here`, {
    hint: known.length === 0 ? 'nothing is staged' : `known are ${known.join(', ')}`,
    kind: 'usage',
  });
}

function pinnedByHand(id: string): BerthError {
  return new BerthError('pinned', `${id} is the id of pins made by hand, not of a root`, {
    hint: 'drop them with `berth unpin`',
    kind: 'refused',
  });
}
