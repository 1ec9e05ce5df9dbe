import { isKnownAs } from '../../engine/known-as.ts';
import type { ResolvedImage } from '../../image/resolved.ts';
import type { EngineSituation } from '../situation.ts';

/**
 * Whether the engine knows an image by the digest of this name. Of an image that is there under another
 * name the documents are fetched, and no blobs.
 *
 * @param id the engine's.
 */
export function isKnownByDigest(
  image: ResolvedImage,
  id: string,
  { images }: Pick<EngineSituation, 'images'>,
): boolean {
  return isKnownAs(images.get(id), image.name, image.digest);
}
