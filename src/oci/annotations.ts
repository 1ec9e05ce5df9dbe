/** image-spec, annotations.md: the name by which tools find an image in a layout. */
export const REF_NAME = 'org.opencontainers.image.ref.name';

/**
 * The digest of the index for which the name stands in its registry; absent if the name stands for a
 * manifest.
 */
export const INDEX_DIGEST = 'io.berth.index.digest';

/** Marks a name in berth's store whose image berth itself fetched. */
export const FETCHED = 'io.berth.fetched';

/** The full name of an image that `berth load` brought; the store has no name for it until a stage. */
export const LOADED_NAME = 'io.berth.loaded.name';

/** Marks an image that `berth load` brought and with which a root was staged. */
export const LOADED_STAGED = 'io.berth.loaded.staged';
