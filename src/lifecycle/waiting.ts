import { isKnownAs } from '../engine/known-as.ts';
import type { Contents, RecordImage, RootRecord } from '../state/record.ts';
import { absenceFor, situationFor } from './absence.ts';
import { type Context } from './context.ts';
import { type EngineSituation, type Looked, readSituation, type Situation } from './situation.ts';

/**
 * The contents on a root's record for which a stage needs no network: each image on the engines that were
 * looked at is pinned, is an artifact that the engine has, or waits in a depot; and at least one waits for
 * an engine that can take it now. Undefined if there are none.
 */
export function waitingContents(
  record: RootRecord | undefined,
  situation: Situation,
): Contents | undefined {
  return [record?.pending, record?.staged].find(
    (contents) =>
      contents?.unresolved.length === 0 &&
      contents.images.some((image) => waitsForStage(image, contents, situation)) &&
      contents.images.every((image) => {
        const on = situation.engines.get(image.engine);
        return on === undefined || waits(image, on) || isHere(record?.id, image, on);
      }),
  );
}

function waitsForStage(image: RecordImage, contents: Contents, { engines }: Situation): boolean {
  const on = engines.get(image.engine);
  return on !== undefined && waits(image, on) && absenceFor(on.engine, contents) === undefined;
}

/** Whether an image waits in the depot, and the engine does not know it by all of its names yet. */
export function waits(image: RecordImage, situation: EngineSituation): boolean {
  return situation.waiting.has(image.id) && !isKnown(image, situation);
}

/** Whether the engine has the image, pinned if it is no artifact. */
function isHere(root: string | undefined, image: RecordImage, situation: EngineSituation): boolean {
  if (image.artifact === true) return isKnown(image, situation);
  const pin = situation.pins.find((one) => one.root === root && one.id === image.id);
  return pin !== undefined && isKnown(image, situation);
}

function isKnown(
  { id, names }: Pick<RecordImage, 'id' | 'names'>,
  { images }: EngineSituation,
): boolean {
  return names.every(({ name, digest }) => isKnownAs(images.get(id), name, digest));
}

/**
 * Lets go of images in the depots that are unpacked and pinned by now, or that no record wants any more.
 * If berth is killed before that, the next run does it.
 */
export async function settleDepots(
  context: Context,
  before: Situation,
  looked: Looked,
): Promise<void> {
  const depots = [...before.engines.values()].flatMap(({ engine: { depot } }) => depot ?? []);
  if (depots.every((depot) => depot.pins().length === 0)) {
    for (const depot of depots) await depot.drop([]);
    return;
  }
  const { engines } = await readSituation(context, looked);
  for (const on of engines.values()) {
    // Holds are read before records: a record that wants a waiting image was written before the image came.
    const done = on.holds.filter(({ root, id }) => isTaken(id, on.records.get(root), on));
    await on.engine.depot?.drop(done);
  }
}

/** Whether an engine has taken an image for every stage of the root that wants the image. */
function isTaken(id: string, record: RootRecord | undefined, on: EngineSituation): boolean {
  return [record?.pending, record?.staged].every((contents) => {
    const wanted = (contents?.images ?? []).filter((image) => image.id === id);
    const seen = situationFor(on, contents ?? {});
    return wanted.every((image) => isHere(record?.id, image, seen));
  });
}
