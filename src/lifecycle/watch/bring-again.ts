import type { BerthError } from '../../common/errors.ts';
import type { Registry } from '../../registry/registry.ts';
import { placeOf, type RecordImage, type RootRecord } from '../../state/record.ts';
import type { Context } from '../context.ts';
import { planStage } from '../plan/plan.ts';
import { broughtByBerth } from '../provenance.ts';
import { pinnedRecord } from '../restore-pins.ts';
import type { Situation } from '../situation.ts';
import { fetchImages } from '../stage/fetch.ts';
import { type Copies, copiesOf, hasCopy, NO_COPIES } from './copies.ts';
import { wantedAgain } from './wanted-again.ts';

/** Why images could not be brought, by their places. */
type Failures = ReadonlyMap<string, BerthError>;

/**
 * Fetches and pins images on record, as a stage does, by the digests on record: from berth's own store, or from another
 * engine that has the image, or from its registry. No name is moved.
 *
 * @param situation of all engines of the images.
 * @param places the images, as `placeOf` writes them.
 * @returns why some of them could not be fetched, by their places.
 * @throws {BerthError} `no-space` before anything is fetched.
 */
export async function bringAgain(
  context: Context,
  registry: Registry,
  record: RootRecord,
  situation: Situation,
  places: ReadonlySet<string>,
): Promise<Failures> {
  const lost = (record.staged?.images ?? []).filter((image) => places.has(placeOf(image)));
  const copies = await copiesOf(context, situation, lost);
  const bring = (images: readonly RecordImage[], from: Copies) =>
    bringFrom(context, registry, record, situation, images, from);
  const failures = await bring(lost, copies);
  // A copy may be damaged, or go while it is read.
  const uncopied = lost.filter((image) => failures.has(placeOf(image)) && hasCopy(copies, image));
  if (uncopied.length === 0) return failures;
  const left = await bring(uncopied, NO_COPIES);
  const others = [...failures].filter(([place]) => !uncopied.some((one) => placeOf(one) === place));
  return new Map([...others, ...left]);
}

async function bringFrom(
  context: Context,
  registry: Registry,
  record: RootRecord,
  situation: Situation,
  images: readonly RecordImage[],
  copies: Copies,
): Promise<Failures> {
  const { id, location } = record;
  const wanted = wantedAgain(record, images, copies);
  const plan = await planStage(context, registry, situation, { id, location }, wanted);
  if (plan.lack !== undefined) throw plan.lack;
  const known = broughtByBerth(situation);
  const pinned = pinnedRecord(record, record.staged);
  const fetched = await fetchImages(context, plan, situation, known, pinned);
  const unplanned = plan.failures.flatMap(({ name, error }) =>
    images
      .filter(({ names }) => names.some((served) => served.name === name))
      .map((image) => [placeOf(image), error] as const),
  );
  const unfetched = fetched.failures.map(({ image, error }) => [placeOf(image), error] as const);
  return new Map([...unplanned, ...unfetched]);
}
