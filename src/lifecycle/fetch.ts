import type { PinRequest } from '../engine/engine.ts';
import { BerthError } from '../errors.ts';
import type { Context } from './context.ts';
import { mapLimited } from './limited.ts';
import type { Plan, PlannedImage } from './plan.ts';

export interface FetchFailure {
  readonly image: PlannedImage;
  readonly error: BerthError;
}

/**
 * Fetches and pins each image of a plan, the largest download first, and each pinned as soon as
 * it is there, so that nothing takes it while the others are on their way. One that fails does
 * not stop the others, but for a full disk.
 */
export async function fetchImages(
  context: Context,
  plan: Plan,
  requests: ReadonlyMap<PlannedImage, PinRequest>,
): Promise<readonly FetchFailure[]> {
  const failures: FetchFailure[] = [];
  const order = plan.images.toSorted((a, b) => b.bytes - a.bytes);
  await mapLimited(order, context.engine.concurrency, async (image) => {
    const name = image.names[0]?.name ?? image.id;
    if (failures.some(({ error }) => error.code === 'no-space')) return;
    try {
      context.signal.throwIfAborted();
      await fetchNames(context, image, name);
      const request = requests.get(image);
      if (request === undefined) return;
      await context.engine.pin(plan.root.id, [request]);
      context.report({ event: 'pinned', id: image.id, root: plan.root.id });
    } catch (error) {
      if (!(error instanceof BerthError)) throw error;
      context.report({ event: 'fetch-failed', id: image.id, name, message: error.message });
      failures.push({ image, error });
    }
  });
  return failures;
}

/** Every name by its digest: an engine must know the image by each, or a unit that names it by
 * one would pull again. */
async function fetchNames(context: Context, image: PlannedImage, name: string): Promise<void> {
  const fetches = image.names.flatMap((served) =>
    served.fetch === undefined ? [] : [served.fetch],
  );
  if (fetches.length === 0) return;
  const { id, bytes } = image;
  if (bytes > 0) context.report({ event: 'fetch-started', id, name, bytes });
  const onBytes = (total: number) => {
    if (bytes > 0) context.report({ event: 'fetch-progress', id, bytes: total });
  };
  for (const { image: resolved, access } of fetches) {
    await context.engine.fetch(resolved, access, { signal: context.signal, onBytes });
  }
  if (bytes > 0) context.report({ event: 'fetched', id, name });
}
