import { parseArchiveName } from '../image/archive-name.ts';
import { archiveSize } from '../oci/archive/archive-size.ts';
import { openRoot } from '../root/open-root.ts';
import { isOsTree } from '../root/os-tree.ts';
import { type Root, RootError } from '../root/root.ts';
import type { RecordProvided, RootRecord } from '../state/record.ts';

/**
 * Compares an archive with the record of the stage. Only the size is compared, because verifying must be
 * quick; staging reads the bytes.
 *
 * @returns what is wrong with the archive; undefined too if the root's tree can't be looked at.
 */
export function changeOfArchive(
  { archive }: RecordProvided,
  { location, deployment }: RootRecord,
): 'missing' | 'changed' | undefined {
  const path = archive && parseArchiveName(archive.name)?.path;
  // An updater puts another /etc and /var into the tree before it is booted.
  if (path === undefined || (deployment !== undefined && !path.startsWith('/usr/')))
    return undefined;
  const root = treeAt(location);
  if (root === undefined) return undefined;
  try {
    if (!isOsTree(root)) return undefined;
    const size = archiveSize(root, path);
    if (size === archive?.size) return undefined;
    return size === undefined ? 'missing' : 'changed';
  } finally {
    root.close();
  }
}

function treeAt(location: string): Root | undefined {
  if (!location.startsWith('/')) return undefined;
  try {
    return openRoot(location);
  } catch (error) {
    if (error instanceof RootError) return undefined;
    throw error;
  }
}
