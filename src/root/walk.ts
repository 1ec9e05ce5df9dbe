import { lstatSync, readlinkSync, type Stats } from 'node:fs';
import { systemErrorCode } from '../common/errors.ts';
import { isPossiblePath, nameFromBytes } from '../common/path-bytes.ts';
import { type Directories, type Directory, kernelPath, pathOf } from './directories.ts';
import { type Foreign, isForeign, isForeignLink } from './ownership.ts';
import { keepsChanging, tooDeep, tooManyLinks, userWritable } from './read-error.ts';
import { isOfOs, type View } from './root.ts';

/** The end of a walk along a path. */
export type Reached =
  | { readonly kind: 'directory'; readonly directory: Directory }
  | {
      readonly kind: 'file' | 'link' | 'other';
      readonly directory: Directory;
      readonly name: string;
      readonly stats: Stats;
      /** As of the walk; code that opens the file has to check again. */
      readonly foreign: Foreign | undefined;
    };

/** The kernel's own limit (path_resolution(7)). */
const maxLinks = 40;
const maxDepth = 64;
/** How often a name may change its kind between two system calls. */
export const maxChanges = 100;

/**
 * Walks from the root to `path`, one name at a time, each from the descriptor of the directory
 * before it. `..` and absolute links use the descriptors already opened on the way, so nothing that
 * is replaced meanwhile leads outside. The walk stops where others than root may write, before it
 * looks whether anything exists there: so nobody can change the result by creating a file.
 *
 * @param last whether a link in the last component is followed.
 * @returns undefined if nothing is there.
 * @throws {RootError}
 */
export function walk(
  directories: Directories,
  path: string,
  last: 'follow' | 'stay',
  view: View,
): Reached | undefined {
  if (!isPossiblePath(path)) return undefined;
  directories.trim();
  const { trusted } = directories;
  const refuseForeign = (foreign: Foreign | undefined) => {
    if (foreign !== undefined && isOfOs(view)) throw userWritable(path, foreign);
  };
  refuseForeign(directories.root.foreign);
  const above: Directory[] = [];
  let here = directories.root;
  let links = 0;
  let changes = 0;
  /** The names still to walk; the next name is the last element. */
  let ahead = path.split('/').reverse();
  for (let name = ahead.pop(); name !== undefined; name = ahead.pop()) {
    if (name === '' || name === '.') continue;
    if (name === '..') {
      here = above.pop() ?? here;
      continue;
    }
    let next = directories.known(pathOf(here, name));
    if (next === undefined) {
      const mountedBy = directories.mountedBy(here, name);
      if (mountedBy !== undefined) {
        refuseForeign(here.foreign ?? mountedBy);
        return undefined;
      }
      const stats = lstatSync(kernelPath(here, name), { throwIfNoEntry: false });
      if (stats === undefined) {
        refuseForeign(here.foreign);
        return undefined;
      }
      if (stats.isSymbolicLink()) {
        const made = isForeignLink(stats, trusted) ? foreignAt(here, name, stats) : undefined;
        const foreign = here.foreign ?? made;
        refuseForeign(foreign);
        if (ahead.length === 0 && last === 'stay')
          return { kind: 'link', directory: here, name, stats, foreign };
        if (foreign !== undefined && view !== 'any') return undefined;
        if (++links > maxLinks) throw tooManyLinks(path, maxLinks);
        const target = linkText(here, name);
        if (target?.startsWith('/')) here = above.splice(0)[0] ?? here;
        // The link has been replaced. Look at the name again, and count that as a link.
        ahead = ahead.concat((target ?? name).split('/').reverse());
        continue;
      }
      if (!stats.isDirectory()) {
        if (ahead.length > 0) return undefined;
        const isFile = stats.isFile();
        // Devices are often writable for everybody. That does no harm, because berth reads no devices.
        const own = isFile && isForeign(stats, trusted) ? foreignAt(here, name, stats) : undefined;
        const foreign = here.foreign ?? own;
        refuseForeign(foreign);
        return { kind: isFile ? 'file' : 'other', directory: here, name, stats, foreign };
      }
      if (above.length >= maxDepth) throw tooDeep(path, maxDepth);
      next = directories.open(here, name, path);
      if (next === undefined) {
        if (++changes > maxChanges) throw keepsChanging(path);
        ahead.push(name);
        continue;
      }
    }
    above.push(here);
    here = next;
    if (!here.isShared) refuseForeign(here.foreign);
  }
  refuseForeign(here.foreign);
  return { kind: 'directory', directory: here };
}

export function foreignAt(directory: Directory, name: string, stats: Stats): Foreign {
  const { uid, gid, mode } = stats;
  return { uid, gid, mode, path: pathOf(directory, name) };
}

/** @returns undefined if the name is no longer a link. */
export function linkText(directory: Directory, name: string): string | undefined {
  try {
    return nameFromBytes(readlinkSync(kernelPath(directory, name), { encoding: 'buffer' }));
  } catch (error) {
    if (['ENOENT', 'EINVAL'].includes(systemErrorCode(error) ?? '')) return undefined;
    throw error;
  }
}
