import { posix } from 'node:path';
import type { BootedFiles } from './booted-files.ts';

/** Where a shell and systemd look for a program by default. */
export const defaultPath: readonly string[] = [
  '/usr/local/sbin',
  '/usr/local/bin',
  '/usr/sbin',
  '/usr/bin',
  '/sbin',
  '/bin',
];

/** The most directories of a PATH that are looked into. */
const mostDirectories = 64;

/** The programs of a root by their names. */
export class ProgramsOnPath {
  readonly #files: BootedFiles;
  #byName: ReadonlyMap<string, readonly string[]> | undefined;

  constructor(files: BootedFiles) {
    this.#files = files;
  }

  /**
   * The paths at which a program may be, in the order in which they are tried.
   *
   * @param searchPath the value of PATH; empty for the default. A variable in it stands for the default.
   */
  pathsOf(name: string, searchPath = ''): readonly string[] {
    this.#byName ??= programsByName(this.#files);
    const byDefault = this.#byName.get(name) ?? [];
    if (searchPath === '') return byDefault;
    return searchPath.split(':', mostDirectories).flatMap((directory) => {
      if (directory.includes('$') || defaultPath.includes(directory)) return byDefault;
      return directory.startsWith('/') ? [posix.join(directory, name)] : [];
    });
  }
}

/**
 * The paths of all programs, by name. Scripts name very many programs, and each directory is listed once
 * rather than looked into for each name.
 */
function programsByName(files: BootedFiles): ReadonlyMap<string, readonly string[]> {
  const paths = new Map<string, string[]>();
  const listed = new Set<string>();
  for (const directory of defaultPath) {
    const [realPath, names] = files.namesIn(directory);
    // `/bin` is mostly a link to `/usr/bin`.
    if (listed.has(realPath)) continue;
    listed.add(realPath);
    for (const name of names) {
      const known = paths.get(name);
      if (known === undefined) paths.set(name, [`${directory}/${name}`]);
      else known.push(`${directory}/${name}`);
    }
  }
  return paths;
}
