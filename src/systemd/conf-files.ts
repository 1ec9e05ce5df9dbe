import type { Root } from '../root/root.ts';
import { type Etc, followed, linkTarget } from './etc.ts';

/**
 * The files of a directory such as `tmpfiles.d` in systemd's search path, in the order of their
 * names. Of several files with one name the first in the search path counts.
 *
 * Source: systemd, src/basic/conf-files.c, `conf_files_list_strv`.
 *
 * @throws {RootError}
 */
export function confFiles(
  root: Root,
  etc: Etc,
  directory: string,
  suffix = '.conf',
): readonly string[] {
  const chosen = new Map<string, string>();
  for (const place of confPlaces(etc)) {
    const path = `${place}/${directory}`;
    for (const { name, kind } of root.list(followed(root, etc, path)) ?? []) {
      if (kind === 'directory' || !name.endsWith(suffix) || chosen.has(name)) continue;
      chosen.set(name, `${path}/${name}`);
    }
  }
  return Array.from(chosen.entries())
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, path]) => path);
}

/**
 * The text of one of these files. A link to `/dev/null` masks the files of its name, and counts as empty.
 *
 * @throws {RootError}
 */
export function confText(root: Root, etc: Etc, path: string): string {
  if (linkTarget(root, etc, path) === '/dev/null') return '';
  return root.readFile(followed(root, etc, path))?.content.toString() ?? '';
}

/** The search path of systemd's configuration, the first directory first. */
export function confPlaces(etc: Etc): readonly string[] {
  return [etc, '/run', '/usr/local/lib', '/usr/lib'];
}
