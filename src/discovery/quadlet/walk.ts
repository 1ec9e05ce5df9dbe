import { problemOf } from '../../root/problem-of.ts';
import { type Entry, type Root, RootError } from '../../root/root.ts';
import { type Etc, followed } from '../../systemd/etc.ts';
import type { Problem } from '../problem.ts';
import { unitTypeOf } from './unit.ts';

/** A directory in which Quadlet looks for units. */
export interface UnitDirectory {
  /** Its real path in the root. */
  readonly path: string;
  readonly entries: readonly Entry[];
}

export interface Walk {
  /** In the order of precedence. */
  readonly directories: readonly UnitDirectory[];
  readonly problems: readonly Problem[];
}

/** @param start the search directory from which the walk came there. */
export type Skipped = (realPath: string, start: string) => boolean;

/** More than any tree of units has; a link to a whole file system has more. */
const maxDirectories = 10_000;

/**
 * The search directories and all below them, depth first, each directory once, links followed,
 * without those that end in `.d`.
 *
 * Source: podman, pkg/systemd/quadlet/unitdirs.go, `AppendSubPaths`.
 *
 * @param skipped real paths that are left out with all below them.
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
      // Who loads the unit of that name meets the same error, and reports it.
      if (unitTypeOf(unit) !== undefined) return;
      // What lies in there is not known, so whatever binds everything binds this too.
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
