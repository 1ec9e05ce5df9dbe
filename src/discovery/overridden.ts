import type { Problem } from '../problem.ts';
import { displayPath } from '../root/names.ts';
import { problemOf } from '../root/problem-of.ts';
import { type Root, RootError } from '../root/root.ts';
import { type Etc, followed, linkTarget } from '../systemd/etc.ts';
import type { Reference } from './reference.ts';

export interface Effective {
  readonly references: readonly Reference[];
  readonly problems: readonly Problem[];
}

/**
 * Takes away the references of services that do not come from Quadlet: a unit file of the
 * administrator goes before a generated one, and a masked one says that it is not to start.
 *
 * Source: systemd.unit(5), "Unit File Load Path".
 */
export function withoutOverridden(
  root: Root,
  etc: Etc,
  references: readonly Reference[],
): Effective {
  const problems: Problem[] = [];
  const overrides = new Map<string, string>();
  for (const directory of [`/run/systemd/system`, `${etc}/systemd/system`]) {
    try {
      for (const { name } of root.list(directory) ?? []) {
        if (name.endsWith('.service')) overrides.set(name, `${directory}/${name}`);
      }
    } catch (error) {
      if (!(error instanceof RootError)) throw error;
      problems.push({ ...problemOf(error), subject: { unitPath: directory, unit: directory } });
    }
  }
  const effective = references.filter((reference) => {
    const path = overrides.get(reference.unit);
    if (path === undefined) return true;
    if (!isMasked(root, etc, path)) problems.push(overridden(reference, path));
    return false;
  });
  return { references: effective, problems };
}

/** A link to `/dev/null`, or an empty file. */
function isMasked(root: Root, etc: Etc, path: string): boolean {
  try {
    if (linkTarget(root, etc, path) === '/dev/null') return true;
    return root.readFile(followed(root, etc, path))?.content.length === 0;
  } catch (error) {
    // Not readable is not masked: the problem that follows is said of it.
    if (error instanceof RootError) return false;
    throw error;
  }
}

function overridden(reference: Reference, path: string): Problem {
  return {
    code: 'overridden',
    path: reference.path,
    line: reference.line,
    message: `expected ${reference.unit} to come from Quadlet, found ${displayPath(path)}, which goes before and whose images berth does not read`,
    hint: `remove ${displayPath(path)}, or the Quadlet unit that has no effect`,
    subject: {
      unitPath: reference.unitPath,
      unit: reference.unit,
      ...(reference.bind === undefined ? {} : { bind: reference.bind }),
    },
  };
}
