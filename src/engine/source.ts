import { onceFor } from '../common/once-for.ts';
import type { ShippedImages } from '../oci/local-images.ts';
import type { Access } from '../registry/access.ts';

/** Where the bytes of an image come from. */
export type Source =
  | { readonly from: 'registry'; readonly access: Access }
  /** An OCI layout on this machine: no registry is asked for the image then. */
  | { readonly from: 'layout'; readonly images: ShippedImages };

/**
 * How the registry of an image's name may be asked. For an image in a layout that means for its
 * signatures alone, which policy.json may require, and no unit says anything about those.
 */
export function accessOf(source: Source): Access {
  return source.from === 'registry' ? source.access : accessBeside(source.images);
}

/** One object for each layout: an image that was let in by its signature is let in for that object. */
const accessBeside = onceFor((_images: ShippedImages): Access => ({}));
