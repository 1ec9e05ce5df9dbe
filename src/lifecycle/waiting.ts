import { byDigest } from '../image/name.ts';
import { type Contents, type RecordImage, type RootRecord, wantedImages } from '../state/record.ts';
import { type Context } from './context.ts';
import { readSituation, type Situation } from './situation.ts';

/**
 * The contents on a root's record for which a stage needs no network: each image is pinned or waits in
 * the depot, and at least one waits. Undefined if there are none.
 */
export function waitingContents(
  record: RootRecord | undefined,
  situation: Situation,
): Contents | undefined {
  return [record?.pending, record?.staged].find(
    (contents) =>
      contents?.unresolved.length === 0 &&
      contents.images.some((image) => waits(image, situation)) &&
      contents.images.every(
        (image) => waits(image, situation) || isPinned(record?.id, image, situation),
      ),
  );
}

/** Whether an image waits in the depot, and the engine does not know it by all of its names yet. */
export function waits(image: RecordImage, situation: Situation): boolean {
  return situation.waiting.has(image.id) && !isKnown(image, situation);
}

function isPinned(root: string | undefined, image: RecordImage, situation: Situation): boolean {
  const pin = situation.pins.find((one) => one.root === root && one.id === image.id);
  return pin !== undefined && isKnown(image, situation);
}

function isKnown({ id, names }: Pick<RecordImage, 'id' | 'names'>, { images }: Situation): boolean {
  const digests = images.get(id)?.digests;
  return names.every(({ name, digest }) => digests?.includes(byDigest(name, digest)) === true);
}

/**
 * Lets go of images in the depot that are unpacked and pinned by now, or that no record wants any more.
 * If berth is killed before that, the next run does it.
 */
export async function settleDepot(context: Context): Promise<void> {
  const { depot } = context.engine;
  // The depot is read first: a record that wants a waiting image was written before the image came.
  const pins = depot?.pins() ?? [];
  if (depot === undefined) return;
  if (pins.length === 0) return depot.drop([]);
  const situation = await readSituation(context);
  const done = pins.filter(({ root, id }) => {
    const record = situation.records.get(root);
    const wanted = record === undefined ? [] : wantedImages(record).filter((one) => one.id === id);
    return wanted.every((image) => isPinned(root, image, situation));
  });
  await depot.drop(done);
}
