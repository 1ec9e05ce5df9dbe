import { closeSync } from 'node:fs';
import { type Root, RootError } from '../../root/root.ts';

/** An OCI layout has its blobs two directories below its top. */
const MAX_DEPTH = 2;

/**
 * The bytes of an archive, or of all files of a directory.
 *
 * @returns undefined if nothing is there that can be read.
 */
export function archiveSize(root: Root, path: string): number | undefined {
  try {
    return root.lookup(path)?.kind === 'directory'
      ? directorySize(root, path, MAX_DEPTH)
      : fileSize(root, path);
  } catch (error) {
    if (error instanceof RootError) return undefined;
    throw error;
  }
}

function directorySize(root: Root, directory: string, depth: number): number {
  let size = 0;
  for (const { name, kind } of root.list(directory) ?? []) {
    const path = `${directory}/${name}`;
    if (kind === 'file') size += fileSize(root, path) ?? 0;
    if (kind === 'directory' && depth > 0) size += directorySize(root, path, depth - 1);
  }
  return size;
}

function fileSize(root: Root, path: string): number | undefined {
  const file = root.openFile(path);
  if (file !== undefined) closeSync(file.fd);
  return file?.size;
}
