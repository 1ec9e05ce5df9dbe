import { posix } from 'node:path';
import type { Problem } from '../problem.ts';
import { displayPath } from '../root/names.ts';
import { problemOf } from '../root/problem-of.ts';
import { type Entry, type Root, RootError } from '../root/root.ts';
import { type Etc, followed } from '../systemd/etc.ts';
import type { Quadlets } from './quadlet/quadlet.ts';
import type { BoundLink } from './reference.ts';

export interface BoundLinks {
  readonly links: readonly BoundLink[];
  readonly problems: readonly Problem[];
}

const ownDirectory = '/usr/lib/berth/bound.d';
/** bootc takes only links to .image and .container files there. */
const bootcDirectory = '/usr/lib/bootc/bound-images.d';

/** The links by which a root says which of its units are bound. */
export function boundLinks(root: Root, etc: Etc, quadlets: Quadlets): BoundLinks {
  const links: BoundLink[] = [];
  const problems: Problem[] = [];
  let read: ReadonlySet<string> | undefined;
  for (const directory of [ownDirectory, bootcDirectory]) {
    for (const entry of entriesOf(root, directory, problems)) {
      const path = `${directory}/${entry.name}`;
      const target = targetOf(root, etc, path, entry, problems);
      if (target === undefined) continue;
      links.push({ path, target });
      // Most roots have no such link, and then need not know this.
      read ??= new Set(Array.from(quadlets.units.values(), (unit) => unit.realPath));
      if (directory === bootcDirectory && !/\.(image|container)$/.test(target)) {
        problems.push(
          problem(
            path,
            target,
            'expected a link to a .image or .container file, which are all that bootc takes here, found another',
            `link it from ${ownDirectory} instead`,
          ),
        );
      } else if (!read.has(target) && !isMasked(quadlets, target)) {
        problems.push(notRead(path, target, quadlets.hidden.get(target)));
      }
    }
  }
  return { links, problems };
}

function entriesOf(root: Root, directory: string, problems: Problem[]): readonly Entry[] {
  try {
    return root.list(directory) ?? [];
  } catch (error) {
    if (!(error instanceof RootError)) throw error;
    problems.push({ ...problemOf(error), subject: subjectOf(directory) });
    return [];
  }
}

function targetOf(
  root: Root,
  etc: Etc,
  path: string,
  entry: Entry,
  problems: Problem[],
): string | undefined {
  if (entry.kind !== 'link') {
    const message = 'expected a link to a unit file, found something else';
    problems.push(problem(path, path, message, 'replace it with a link to the unit to be bound'));
    return undefined;
  }
  try {
    const found = root.lookup(followed(root, etc, path));
    if (found?.kind === 'file') return found.realPath;
    const message = `expected a link to a unit file, found one that leads ${found === undefined ? 'nowhere inside the root' : `to ${displayPath(found.realPath)}, which is no file`}`;
    problems.push(problem(path, path, message, 'ship the unit, or remove the link'));
  } catch (error) {
    if (!(error instanceof RootError)) throw error;
    problems.push({ ...problemOf(error), subject: subjectOf(path) });
  }
  return undefined;
}

/** A unit that an empty file of the same name hides is meant to be away: nothing is amiss. */
function isMasked(quadlets: Quadlets, target: string): boolean {
  return quadlets.hidden.has(target) && quadlets.units.get(posix.basename(target))?.masked === true;
}

function notRead(path: string, target: string, first: string | undefined): Problem {
  const why =
    first === undefined
      ? 'which is in none of the directories that Quadlet reads, or which it can not read'
      : `before which Quadlet reads ${displayPath(first)}`;
  return problem(
    path,
    target,
    `expected a link to a unit that Quadlet reads, found one to ${displayPath(target)}, ${why}`,
    first === undefined
      ? 'move the unit to /usr/share/containers/systemd, or remove the link'
      : 'link the file that is read instead',
  );
}

function problem(path: string, target: string, message: string, hint: string): Problem {
  return { code: 'bound-link', path, message, hint, subject: subjectOf(target) };
}

/** Whatever is wrong with a link stands on something that is meant to be bound. */
function subjectOf(target: string) {
  return { unitPath: target, unit: posix.basename(target), bind: true };
}
