import { BerthError } from '../../common/errors.ts';
import type { Depot } from '../../engine/depot.ts';
import type { Engine } from '../../engine/engine.ts';
import { accessOf, signaturesBeside } from '../../engine/source.ts';
import type { Blob, ResolvedImage } from '../../image/resolved.ts';
import { LifecycleError } from '../error.ts';
import type { PlannedFetch } from '../plan/planned-image.ts';
import type { Way } from '../plan/way.ts';

/** The depot in which an image waits for the engine, if it may. */
export async function depotFor(
  { depot }: Engine,
  one: PlannedFetch,
  way: Way,
  signal: AbortSignal,
): Promise<Depot | undefined> {
  if (depot === undefined || way === 'direct' || !comesByDepot(one, way)) return undefined;
  return (await mayWait(depot, one, way, signal)) ? depot : undefined;
}

/** The blobs of an image that have to be downloaded before the engine can take it. */
export async function missingOf(
  engine: Engine,
  depot: Depot,
  image: ResolvedImage,
  waits: boolean,
): Promise<readonly Blob[]> {
  // Nobody knows which blobs an absent engine has.
  if (waits) return depot.missing(image.blobs);
  const { images } = await engine.footprint([image]);
  return images.flatMap(({ missing }) => missing);
}

/**
 * Whether an image comes by the depot: an image in a layout is read where it is, and an image that the engine knows by
 * this digest is there. An artifact never waits: nothing has to unpack it.
 */
function comesByDepot({ image, source, isKnown }: PlannedFetch, way: Way): boolean {
  if (isKnown || image.artifact === true) return false;
  return source.from === 'registry' || way === 'download';
}

/** Whether an image waits in the depot from now on. */
export function isHeld(one: PlannedFetch, way: Way): boolean {
  return way === 'download' && comesByDepot(one, way);
}

/** Whether an image needs no network now. An image that is only downloaded has to be held as well. */
export function isAtHand(
  depot: Depot,
  way: Way,
  { image }: PlannedFetch,
  missing: readonly unknown[],
): boolean {
  return way === 'two-steps' && missing.length === 0 && depot.find(image.name, image) !== undefined;
}

/**
 * Whether an image may wait in the depot. An image that berth must not download, or that the engine can't take
 * from there, the engine may fetch itself.
 */
async function mayWait(
  depot: Depot,
  { image, source }: PlannedFetch,
  way: Way,
  signal: AbortSignal,
): Promise<boolean> {
  if (!depot.serves(image)) {
    if (way !== 'download') return false;
    const message = `${image.name} (${image.platform}) can't wait for the engine, which takes such an image from a registry alone`;
    throw new LifecycleError('only-direct', message, {
      hint: 'leave it to `berth stage`, while there is a network',
      kind: 'refused',
    });
  }
  try {
    const beside = () => signaturesBeside(source, image);
    await depot.permit(image, accessOf(source), { signal, beside });
    return true;
  } catch (error) {
    const isRejected = error instanceof BerthError && error.code === 'policy-rejected';
    if (way === 'download' || !isRejected) throw error;
    return false;
  }
}
