import { BerthError } from '../common/errors.ts';
import type { PinnedRecord, PinRequest } from '../engine/pin.ts';
import type { Contents, RecordImage, RootRecord } from '../state/record.ts';
import { isManual } from '../state/root-id.ts';
import type { Context } from './context.ts';
import type { Situation } from './situation.ts';

/**
 * Makes the pins again that records want and the engine has lost, of every image that is there: a
 * database that is gone, or a store that forgets containers at each boot, takes them all at once.
 *
 * @param first whose pins come before all others.
 * @returns how many were made. What can't be pinned is a warning: the others are still worth it.
 */
export async function pinAgain(
  context: Context,
  { records, images, pins }: Situation,
  first: string,
): Promise<number> {
  const pinned = new Set(pins.map((pin) => `${pin.root} ${pin.id}`));
  const sorted = [...records.values()].sort(
    (a, b) => Number(b.id === first) - Number(a.id === first),
  );
  let count = 0;
  for (const record of sorted) {
    const lost = requestsOf(record).filter(
      ({ id }) => images.has(id) && !pinned.has(`${record.id} ${id}`),
    );
    if (lost.length === 0) continue;
    try {
      await context.engine.pin(record.id, lost);
      for (const { id, names } of lost) {
        const name = names[0]?.name ?? id;
        context.report({ event: 'pinned', id, name, root: record.id });
      }
      count += lost.length;
    } catch (error) {
      context.signal.throwIfAborted();
      if (!(error instanceof BerthError)) throw error;
      const message = `the pins of ${record.id} can't be made again: ${error.message}`;
      context.report({ event: 'warning', code: 'pins-not-made', root: record.id, message });
    }
  }
  return count;
}

/** One for each image: what a name drifted to has a pin of its own only if nothing else wants it. */
function requestsOf(record: RootRecord): readonly PinRequest[] {
  const { staged, pending } = record;
  const requests = new Map<string, PinRequest>();
  for (const image of record.drift ?? []) requests.set(image.id, driftRequest(record, image));
  for (const contents of [pending, staged]) {
    for (const image of contents?.images ?? []) {
      requests.set(image.id, { ...requestOf(image), record: pinnedRecord(record, contents) });
    }
  }
  return [...requests.values()];
}

/** A pin of what a name of the running root has drifted to: it belongs to no stage. */
export function driftRequest(record: RootRecord, image: RecordImage): PinRequest {
  return { ...requestOf(image), record: { ...pinnedRecord(record, record.staged), images: 0 } };
}

/** What the pins of one stage of a root say of it. */
export function pinnedRecord(
  { id, location, deployment }: Pick<RootRecord, 'id' | 'location' | 'deployment'>,
  contents: Contents | undefined,
): PinnedRecord {
  const { images = [], unresolved = [], problems = [], time = '' } = contents ?? {};
  return {
    location,
    // With what could not be resolved the pins are not the whole, and must not look so.
    images: isManual(id) ? 0 : images.length + unresolved.length,
    problems: problems.length,
    staged: time,
    ...(deployment === undefined
      ? {}
      : { deployment: { updater: deployment.updater, role: deployment.role } }),
  };
}

function requestOf({ id, platform, fetched, manifest, names }: RecordImage) {
  return {
    id,
    platform,
    fetched,
    names: names.map(({ name, digest }) => ({ name, digest, manifest })),
  };
}
