/** image-spec, annotations.md: the name by which tools find an image in a layout. */
export const REF_NAME = 'org.opencontainers.image.ref.name';

/** The digest of the index that the name stands for in the registry, where it stands for one. */
export const INDEX_DIGEST = 'io.berth.index.digest';
