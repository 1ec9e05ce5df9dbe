import type { BerthError } from '../../common/errors.ts';
import type { Registry } from '../../registry/registry.ts';
import type { RootRecord } from '../../state/record.ts';
import type { Context } from '../context.ts';
import { planStage } from '../plan/plan.ts';
import { broughtByBerth } from '../provenance.ts';
import { pinnedRecord } from '../restore-pins.ts';
import type { Situation } from '../situation.ts';
import { fetchImages } from '../stage/fetch.ts';
import { wantedAgain } from './wanted-again.ts';

/**
 * Fetches and pins images on record, as a stage does, by the digests on record. No name is moved.
 *
 * @param situation of all engines of the images.
 * @param places the images, as `placeOf` writes them.
 * @returns why some of them could not be fetched.
 * @throws {BerthError} `no-space` before anything is fetched.
 */
export async function bringAgain(
  context: Context,
  registry: Registry,
  record: RootRecord,
  situation: Situation,
  places: ReadonlySet<string>,
): Promise<readonly BerthError[]> {
  const { id, location } = record;
  const wanted = wantedAgain(record, places);
  const plan = await planStage(context, registry, situation, { id, location }, wanted);
  if (plan.lack !== undefined) throw plan.lack;
  const known = broughtByBerth(situation);
  const pinned = pinnedRecord(record, record.staged);
  const { failures } = await fetchImages(context, plan, situation, known, pinned);
  return [...plan.failures, ...failures].map(({ error }) => error);
}
