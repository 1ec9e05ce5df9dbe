import type { TestContext } from 'node:test';
import { Allowance } from '../../src/discovery/allowance.ts';
import type { Found, SourceContext } from '../../src/discovery/source.ts';
import { etcDirectory } from '../../src/systemd/etc.ts';
import { rootOf, shortNames, type Tree } from '../support/tree.ts';

/** Runs one source on a tree. */
export function foundBy(
  t: TestContext,
  source: (context: SourceContext) => Promise<Found>,
  tree: Tree,
): Promise<Found> {
  const root = rootOf(t, tree);
  return source({
    root,
    etc: etcDirectory(root),
    shortNames,
    architecture: 'x86-64',
    allowance: new Allowance(),
  });
}

/** The references as `path:line key image policy`. */
export function places({ references }: Found): string[] {
  return references.map(
    ({ path, line, key, image, pull }) => `${path}:${line} ${key} ${image ?? '-'} ${pull.policy}`,
  );
}

/** All problems as `code path:line`, those of references first. */
export function problemsOf({ references, problems }: Found): string[] {
  return [...references.flatMap((reference) => reference.problems), ...problems].map(
    ({ code, path, line }) => `${code} ${path}${line === undefined ? '' : `:${line}`}`,
  );
}
