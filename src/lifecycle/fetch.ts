import type { PinRequest } from '../engine/engine.ts';
import { BerthError } from '../errors.ts';
import type { Context } from './context.ts';
import { mapLimited } from './limited.ts';
import type { Plan, PlannedImage } from './plan.ts';

export interface FetchFailure {
  readonly image: PlannedImage;
  readonly error: BerthError;
}

/** What came of fetching a plan. */
export interface Fetched {
  readonly failures: readonly FetchFailure[];
  /** The ids of the images that berth brought, now or before. */
  readonly brought: ReadonlySet<string>;
}

/**
 * Fetches and pins each image of a plan, the largest download first, and each pinned as soon as
 * it is there, so that nothing takes it while the others are on their way. One that fails does
 * not stop the others, but for a full disk.
 *
 * @param before the ids of the images that berth brought earlier.
 * @param record what the pins say of the record.
 */
export async function fetchImages(
  context: Context,
  plan: Plan,
  before: ReadonlySet<string>,
  record: PinRequest['record'],
): Promise<Fetched> {
  const failures: FetchFailure[] = [];
  const brought = new Set(before);
  const order = plan.images.toSorted((a, b) => b.bytes - a.bytes);
  await mapLimited(order, context.engine.concurrency, async (image) => {
    const { id, platform, manifest } = image;
    const name = image.names[0]?.name ?? id;
    context.signal.throwIfAborted();
    if (failures.some(({ error }) => error.code === 'no-space')) return;
    try {
      if (await fetchNames(context, image, name)) brought.add(id);
      const names = image.names.map((served) => ({ ...pick(served), manifest }));
      const request = { id, platform, fetched: brought.has(id), names, record };
      await context.engine.pin(plan.root.id, [request]);
      context.report({ event: 'pinned', id, root: plan.root.id });
    } catch (error) {
      if (!(error instanceof BerthError)) throw error;
      context.report({ event: 'fetch-failed', id, name, message: error.message });
      failures.push({ image, error });
    }
  });
  return { failures, brought };
}

/**
 * Every name by its digest: an engine must know the image by each, or a unit that names it by one
 * would pull again.
 *
 * @returns whether the image was not there before: somebody else may have brought it since the
 * plan was made, and then it is theirs.
 */
async function fetchNames(context: Context, image: PlannedImage, name: string): Promise<boolean> {
  const fetches = image.names.flatMap((served) =>
    served.fetch === undefined ? [] : [served.fetch],
  );
  if (fetches.length === 0) return false;
  const { id, bytes } = image;
  const isMissing = !image.present && !(await context.engine.has(id));
  if (bytes > 0) context.report({ event: 'fetch-started', id, name, bytes });
  const onBytes = (total: number) => {
    if (bytes > 0) context.report({ event: 'fetch-progress', id, bytes: total });
  };
  for (const { image: resolved, access } of fetches) {
    await context.engine.fetch(resolved, access, { signal: context.signal, onBytes });
  }
  if (bytes > 0) context.report({ event: 'fetched', id, name });
  return isMissing;
}

function pick({ name, digest }: PlannedImage['names'][number]) {
  return { name, digest };
}
