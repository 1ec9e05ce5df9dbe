/** image-spec, media-types.md. */
export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';

const INDEX_TYPES: readonly string[] = [
  OCI_INDEX,
  'application/vnd.docker.distribution.manifest.list.v2+json',
];

const MANIFEST_TYPES: readonly string[] = [
  OCI_MANIFEST,
  'application/vnd.docker.distribution.manifest.v2+json',
];

/** The media types that berth asks registries for. */
export const ACCEPTED_TYPES = [...INDEX_TYPES, ...MANIFEST_TYPES].join(', ');

/** The kind of document of a media type; undefined */
export function kindOfType(mediaType: string): 'index' | 'manifest' | undefined {
  if (INDEX_TYPES.includes(mediaType)) return 'index';
  return MANIFEST_TYPES.includes(mediaType) ? 'manifest' : undefined;
}

/**
 * Whether a document may be called by one type and have another in it. Types of the same kind agree: many
 * registries send Docker's documents under the types of OCI.
 */
export function agree(called: string, own: string): boolean {
  const kind = kindOfType(called);
  return called === own || (kind !== undefined && kind === kindOfType(own));
}

/** Whether a layer is of a type that registries need not have: image-spec, layer.md. */
export function isNondistributable(mediaType: string): boolean {
  return /\.nondistributable\.|\.foreign\./.test(mediaType);
}
