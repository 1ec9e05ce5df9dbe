import type { TestContext } from 'node:test';
import { Allowance } from '../../src/discovery/allowance.ts';
import type { Found, SourceContext } from '../../src/discovery/source.ts';
import { readAccounts } from '../../src/discovery/users/accounts.ts';
import type { Root } from '../../src/root/root.ts';
import { etcDirectory } from '../../src/systemd/etc.ts';
import { rootOf, shortNames, type Tree } from '../support/tree.ts';

/** Runs one source on a tree. */
export function foundBy(
  t: TestContext,
  source: (context: SourceContext) => Promise<Found>,
  tree: Tree,
): Promise<Found> {
  return source(contextOf(rootOf(t, tree)));
}

/** The input of the sources of the system, for a root. */
export function contextOf(root: Root): SourceContext {
  const etc = etcDirectory(root);
  return {
    root,
    etc,
    shortNames,
    architecture: 'x86-64',
    allowance: new Allowance(),
    accounts: readAccounts({ root, etc }),
    podman: { engine: 'podman' },
  };
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
