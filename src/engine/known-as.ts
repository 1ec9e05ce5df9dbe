import { byDigest, isTag } from '../image/name.ts';
import type { EngineImage } from './engine.ts';

/**
 * Whether an engine knows the image by the digest for which a name stands. Otherwise the image has to be
 * fetched under that name, which brings documents but no blobs if the image is there under another one.
 *
 * @param image undefined if the engine does not have it.
 */
export function isKnownAs(image: EngineImage | undefined, name: string, digest: string): boolean {
  const known = byDigest(name, digest);
  if (image?.digests.includes(known) === true) return true;
  return isTag(name) && image?.vouched?.includes(known) === true;
}
