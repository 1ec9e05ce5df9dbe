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
