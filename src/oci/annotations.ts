/** image-spec, annotations.md: the name by which tools find an image in a layout. */
export const REF_NAME = 'org.opencontainers.image.ref.name';

/** The digest of the index that the name stands for in the registry, where it stands for one. */
export const INDEX_DIGEST = 'io.berth.index.digest';

/** Says of a name in berth's store that berth fetched what it means. */
export const FETCHED = 'io.berth.fetched';

/** The full name of what `berth load` brought: no name of the store before a root is staged. */
export const LOADED_NAME = 'io.berth.loaded.name';

/** Says of such an image that a root was staged with it. */
export const LOADED_STAGED = 'io.berth.loaded.staged';
