import { onceFor } from '../common/once-for.ts';
import type { ResolvedImage } from '../image/resolved.ts';
import type { ShippedImages } from '../oci/local-images.ts';
import type { Access } from '../registry/access.ts';

/** Where the bytes of an image come from. */
export type Source =
  | { readonly from: 'registry'; readonly access: Access }
  /** An OCI layout on this machine; no registry is asked for the image. */
  | { readonly from: 'layout'; readonly images: ShippedImages };

/**
 * The access to the registry in the image's name. An image in a layout needs the registry only for the
 * signatures that policy.json may require, and no unit sets an access for those.
 */
export function accessOf(source: Source): Access {
  return source.from === 'registry' ? source.access : accessBeside(source.images);
}

/**
 * Gives each layout a single `Access` object. The registry client remembers permissions (policy.json) by
 * that object, so an image must be judged and read with the same one.
 */
const accessBeside = onceFor((_images: ShippedImages): Access => ({}));

/** The signatures that lie beside the bytes of an image, as files. @throws {LayoutError} */
export function signaturesBeside(
  source: Source,
  { manifest }: Pick<ResolvedImage, 'manifest'>,
): readonly Buffer[] {
  return source.from === 'layout' ? source.images.signatures(manifest) : [];
}
