import { displayPath } from '../common/path-bytes.ts';
import { type Root, RootError } from './root.ts';

/** The directories of which every OS has at least one. */
const directories = ['/usr', '/etc'];

/**
 * Whether a directory holds an OS. An empty mount point, a home, /var and /boot do not, and must
 * never count as an OS that needs no images.
 */
export function isOsTree(root: Root): boolean {
  return directories.some((path) => isDirectory(root, path));
}

/** @throws {RootError} `not-a-root` */
export function assertOsTree(root: Root): void {
  if (isOsTree(root)) return;
  throw new RootError(
    'not-a-root',
    '/',
    `expected an OS tree at ${displayPath(root.location)}, found a directory with neither usr nor etc`,
    {
      hint: 'see whether its file system is mounted, or whether the image holds an OS; the top of an OS tree has a directory usr or etc',
    },
  );
}

function isDirectory(root: Root, path: string): boolean {
  try {
    return root.lookup(path)?.kind === 'directory';
  } catch (error) {
    if (!(error instanceof RootError)) throw error;
    // Something is there that can't be looked at, which whoever reads it reports.
    return error.code !== 'too-many-links';
  }
}
