import type { EngineId } from '../common/engine-id.ts';
import { BerthError } from '../common/errors.ts';
import type { Engine } from '../engine/engine.ts';
import type { PinnedRecord, PinRequest } from '../engine/pin.ts';
import type { Contents, RecordImage, RootRecord } from '../state/record.ts';
import { removalOf } from '../state/removed.ts';
import { isManual } from '../state/root-id.ts';
import type { Context } from './context.ts';
import { pinsOf } from './provenance.ts';
import type { EngineSituation, Situation } from './situation.ts';

type PinnedSituation = Pick<EngineSituation, 'images' | 'pins'> & {
  readonly engine: Pick<Engine, 'id' | 'pin' | 'renewPins'>;
};

/**
 * Makes pins again that records want and an engine has lost, for every image that is present. All
 * pins are lost at once with podman's database, or with a store that forgets containers at each boot.
 * A root that can't be pinned causes a warning, and the other roots are pinned all the same.
 *
 * @param first the root whose pins are made before those of all others.
 * @returns how many pins were made.
 */
export async function pinAgain(
  context: Pick<Context, 'report' | 'signal'>,
  records: Situation['records'],
  { engine, images, pins }: PinnedSituation,
  first: string,
): Promise<number> {
  await engine.renewPins?.();
  const sorted = [...records.values()].sort(
    (a, b) => Number(b.id === first) - Number(a.id === first),
  );
  let count = 0;
  for (const record of sorted) {
    const lost = lostPins(record, { engine, images, pins });
    if (lost.length === 0) continue;
    try {
      await engine.pin(record.id, lost);
      for (const { id, names } of lost) {
        const name = names[0]?.name ?? id;
        context.report({ event: 'pinned', id, name, root: record.id, engine: engine.id });
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

/** The pins of a root that an engine has lost and can make again, as their images are present. */
export function lostPins(
  record: RootRecord,
  { engine, images, pins }: PinnedSituation,
): readonly PinRequest[] {
  const pinned = pinsOf(record.id, pins);
  return pinsOfRecord(record, engine.id).filter(({ id }) => images.has(id) && !pinned.has(id));
}

/**
 * The pins that a root should have on an engine, one for each image that is no artifact. An image to which a
 * name has drifted has a drift pin only if no stage of the root wants the image.
 */
export function pinsOfRecord(record: RootRecord, engine: EngineId): readonly PinRequest[] {
  const { staged, pending } = record;
  const requests = new Map<string, PinRequest>();
  const own = (images: readonly RecordImage[] = []) =>
    images.filter((image) => image.engine === engine && image.artifact !== true);
  for (const image of own(record.drift)) requests.set(image.id, driftRequest(record, image));
  for (const contents of [pending, staged]) {
    for (const image of own(contents?.images)) {
      requests.set(image.id, { ...requestOf(image), record: pinnedRecord(record, contents) });
    }
  }
  return [...requests.values()].filter(({ id }) => removalOf(record, { engine, id }) === undefined);
}

/** The pin of an image to which a name of the running root has drifted. Such a pin belongs to no stage. */
export function driftRequest(record: RootRecord, image: RecordImage): PinRequest {
  return { ...requestOf(image), record: { ...pinnedRecord(record, record.staged), images: 0 } };
}

/** The facts about a stage that each of its pins carries, so that the record can be made from pins. */
export function pinnedRecord(
  { id, location, deployment }: Pick<RootRecord, 'id' | 'location' | 'deployment'>,
  contents: Contents | undefined,
): PinnedRecord {
  const { images = [], unresolved = [], problems = [], time = '' } = contents ?? {};
  return {
    location,
    // Names that could not be resolved have no pin, so the set of pins must not look complete.
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
