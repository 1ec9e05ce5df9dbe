import type { NameFailure } from '../../common/limited.ts';
import { LifecycleError } from '../error.ts';
import type { Resolution } from './kept.ts';

/**
 * The most layers of all images that are to come to an engine. The layers of an image count for each of its names, since
 * an engine is given the image once for each. A thousand names of images with a hundred layers each are a tenth of this.
 */
const MOST = 1_000_000;

/** The meanings that an engine can be given, and the names that would go beyond what it can. */
export function withinLayers(
  resolutions: readonly Resolution[],
  most = MOST,
): { readonly resolutions: readonly Resolution[]; readonly failures: readonly NameFailure[] } {
  let layers = 0;
  const isBeyond = ({ image }: Resolution) =>
    image !== undefined && (layers += image.blobs.length) > most;
  const groups = Map.groupBy(resolutions, isBeyond);
  const failures = (groups.get(true) ?? []).map(({ binding: { name } }) => ({
    name,
    error: beyond(name, most),
  }));
  return { resolutions: groups.get(false) ?? [], failures };
}

function beyond(name: string, most: number): LifecycleError {
  const message = `${name}: expected at most ${most} layers of all images, counted for each of their names, found more`;
  return new LifecycleError('too-many-layers', message, {
    hint: 'squash layers of the images, or let the root name fewer images',
  });
}
