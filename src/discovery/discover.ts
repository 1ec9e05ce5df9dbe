import type { ShortNames } from '../image/short-names.ts';
import type { Problem } from '../problem.ts';
import type { Root } from '../root/root.ts';
import { etcDirectory } from '../systemd/etc.ts';
import { readBindPolicy } from './bind-policy.ts';
import { boundLinks } from './bound-links.ts';
import { withoutOverridden } from './overridden.ts';
import { readQuadlets } from './quadlet/quadlet.ts';
import { searchPath } from './quadlet/search-path.ts';
import { userUnitProblems } from './quadlet/user-units.ts';
import type { Discovered, Reference } from './reference.ts';

export interface DiscoveryContext {
  /** From the root's own registries.conf. */
  readonly shortNames: ShortNames;
  /** The root's, in systemd's spelling: `x86-64`, `arm64`. */
  readonly architecture: string;
}

/**
 * Everything that a root says about images, in an order that depends on nothing but the root.
 *
 * What can't be read, or is not read yet, is among the problems.
 *
 * @throws {RootError} only if not even the root's top can be read.
 */
export async function discover(
  root: Root,
  { shortNames, architecture }: DiscoveryContext,
): Promise<Discovered> {
  const etc = etcDirectory(root);
  const path = searchPath(root, etc);
  const quadlets = readQuadlets(root, path.system, path.isOfUsers, {
    shortNames,
    architecture,
    etc,
  });
  const effective = withoutOverridden(root, etc, quadlets.references);
  const { links, problems: linkProblems } = boundLinks(root, etc, quadlets);
  const { policy, problems: policyProblems } = await readBindPolicy(root, etc);
  return {
    references: effective.references.toSorted(byPlace),
    problems: [
      ...quadlets.problems,
      ...effective.problems,
      ...userUnitProblems(root, etc, path.users),
      ...linkProblems,
      ...policyProblems,
    ].toSorted(byFile),
    links,
    policy,
  };
}

function byPlace(a: Reference, b: Reference): number {
  return compare(a.unitPath, b.unitPath) || a.line - b.line;
}

function byFile(a: Problem, b: Problem): number {
  return (
    compare(a.path, b.path) ||
    (a.line ?? 0) - (b.line ?? 0) ||
    compare(a.code, b.code) ||
    compare(a.subject?.unitPath ?? '', b.subject?.unitPath ?? '')
  );
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
