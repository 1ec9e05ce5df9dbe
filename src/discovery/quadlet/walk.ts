import { problemOf } from '../../root/problem-of.ts';
import { type Entry, type Root, RootError } from '../../root/root.ts';
import { type Etc, followed } from '../../systemd/etc.ts';
import type { Problem } from '../problem.ts';
import { unitTypeOf } from './unit.ts';

/** A directory in which Quadlet looks for units. */
export interface UnitDirectory {
  /** The real path of the directory in the root. */
  readonly path: string;
  readonly entries: readonly Entry[];
}

export interface Walk {
  /** All directories with units, in the order of precedence. */
  readonly directories: readonly UnitDirectory[];
  readonly problems: readonly Problem[];
}

/**
 * Says whether a directory is left out, with everything below it.
 *
 * @param start the search directory from which the walk came to `realPath`.
 */
export type Skipped = (realPath: string, start: string) => boolean;

/**
 * The most directories that are read, more than real trees have: a link may lead to a whole file
 * system.
 */
const maxDirectories = 10_000;

/**
 * Lists the search directories and all directories below them, depth first. Links are followed,
 * each directory is listed once, and directories whose names end in `.d` are left out.
 *
 * Source: podman, pkg/systemd/quadlet/unitdirs.go, `AppendSubPaths`.
 *
 * @param skipped says which directories are left out, with everything below them.
 */
export function walkUnitDirectories(
  root: Root,
  etc: Etc,
  starts: readonly string[],
  skipped: Skipped,
): Walk {
  const directories: UnitDirectory[] = [];
  const problems: Problem[] = [];
  const visited = new Set<string>();

  function visit(path: string, start: string): void {
    if (visited.has(path) || path.endsWith('.d') || skipped(path, start)) return;
    visited.add(path);
    if (visited.size > maxDirectories) return;
    const entries = root.list(path) ?? [];
    directories.push({ path, entries });
    for (const entry of entries) {
      const child = `${path === '/' ? '' : path}/${entry.name}`;
      if (entry.kind === 'directory') guarded(child, () => visit(child, start));
      else if (entry.kind === 'link') guarded(child, () => visitLink(child, start));
    }
  }

  function visitLink(path: string, start: string): void {
    const found = root.lookup(followed(root, etc, path));
    if (found?.kind === 'directory') visit(found.realPath, start);
  }

  function guarded(path: string, step: () => void): void {
    try {
      step();
    } catch (error) {
      if (!(error instanceof RootError)) throw error;
      const unit = path.slice(path.lastIndexOf('/') + 1);
      // An error with a unit file is reported when the unit is loaded.
      if (unitTypeOf(unit) !== undefined) return;
      // There may be units in the directory, so a policy that binds everything binds this, too.
      problems.push({ ...problemOf(error), subject: { unitPath: path, unit } });
    }
  }

  for (const start of starts) guarded(start, () => visitLink(start, start));
  if (visited.size > maxDirectories) {
    const path = starts[0] ?? '/';
    problems.push({
      code: 'too-many-entries',
      path,
      message: `expected at most ${maxDirectories} directories of units, found more`,
      hint: 'look for a link that leads out of the search directories into a large tree',
      subject: { unitPath: path, unit: path },
    });
  }
  return { directories, problems };
}
