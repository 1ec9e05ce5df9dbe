import { statSync } from 'node:fs';
import { isDigest } from '../image/digest.ts';
import type { Blob } from '../image/resolved.ts';
import { storeFailure } from './failure.ts';
import { blobPath, type Layout } from './layout.ts';

/**
 * Whether a blob is stored. A blob gets its name only when it is whole and its digest is checked, so
 * comparing the size is enough, and no check has to hash gigabytes.
 */
export function isPresent(layout: Layout, blob: Blob): boolean {
  return storedSize(layout, blob.digest) === blob.size;
}

/** The size of a stored blob in bytes; undefined if it is not stored. */
export function storedSize(layout: Layout, digest: string): number | undefined {
  if (!isDigest(digest)) return undefined;
  const path = blobPath(layout, digest);
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    return found?.isFile() === true ? found.size : undefined;
  } catch (error) {
    throw storeFailure(path, error);
  }
}
