/**
 * Why a watcher has to look at an engine again. `listening`: from here on no loss goes unseen, but there may have
 * been losses before. `lost`: somebody may have removed an image, a name, a pin or a part of a pin, or may have moved
 * a name.
 */
export type Wake = 'listening' | 'lost';
