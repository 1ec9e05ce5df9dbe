import { posix } from 'node:path';
import type { ClusterFiles } from '../cluster-files.ts';
import { manifest } from '../pod-files.ts';

/** The most directories in each other. */
const maxDepth = 16;

/**
 * Adds the images of the manifests that a server applies from a directory, but for those that it is
 * told to skip (a file `NAME.skip` anywhere in the directory) or that `--disable` names.
 *
 * Source: k3s, pkg/deploy/controller.go.
 */
export async function deployed(
  base: string,
  disabled: ReadonlySet<string>,
  files: ClusterFiles,
): Promise<void> {
  const paths = filesIn(base, 0, files);
  const skipped = new Set(
    paths.filter((path) => path.endsWith('.skip')).map((path) => posix.basename(path, '.skip')),
  );
  for (const path of paths) {
    const name = posix.basename(path);
    if (name.startsWith('.') || !/\.(?:ya?ml|json)$/i.test(name) || skipped.has(name)) continue;
    if (!isDisabled(path.slice(base.length + 1), disabled)) await manifest(path, 'cluster', files);
  }
}

function filesIn(directory: string, depth: number, files: ClusterFiles): readonly string[] {
  if (depth > maxDepth) return [];
  return files.names(directory).flatMap((name) => {
    const path = `${directory}/${name}`;
    return files.kindOf(path) === 'directory' ? filesIn(path, depth + 1, files) : [path];
  });
}

/** Whether `--disable` names a file without its ending, or a directory above it. */
function isDisabled(path: string, disabled: ReadonlySet<string>): boolean {
  const { dir, name } = posix.parse(path);
  if (disabled.has(name)) return true;
  for (let above = dir; above !== '' && above !== '.'; above = posix.dirname(above)) {
    if (disabled.has(above)) return true;
  }
  return false;
}
