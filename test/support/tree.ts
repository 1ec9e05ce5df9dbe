import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { discover } from '../../src/discovery/discover.ts';
import type { Discovered } from '../../src/discovery/reference.ts';
import { openRoot } from '../../src/root/open-root.ts';
import type { Root } from '../../src/root/root.ts';
import { temporaryDirectory } from './temporary.ts';

/** Files by their path in the root; `-> target` makes a link. */
export type Tree = Readonly<Record<string, string | Buffer>>;

export const shortNames = { searchRegistries: ['docker.io'], aliases: {} };

/** Where a distribution puts its units. */
export const units = '/usr/share/containers/systemd';

export function writeTree(directory: string, tree: Tree): void {
  for (const [path, content] of Object.entries(tree)) {
    const place = join(directory, path);
    mkdirSync(dirname(place), { recursive: true });
    if (typeof content === 'string' && content.startsWith('-> ')) {
      symlinkSync(content.slice('-> '.length), place);
    } else writeFileSync(place, content);
  }
}

export function rootOf(t: TestContext, tree: Tree): Root {
  const directory = temporaryDirectory(t);
  writeTree(directory, tree);
  const root = openRoot(directory);
  t.after(() => root.close());
  return root;
}

export function discovered(t: TestContext, tree: Tree): Promise<Discovered> {
  // Without /etc the root would be one of ostree that was never booted, if it has /usr/etc.
  return discover(rootOf(t, tree), { shortNames, architecture: 'x86-64' });
}

/** `unit image`, or `unit -` where it is not known, in the order of the places. */
export function images({ references }: Discovered): string[] {
  return references.map(({ unit, image }) => `${unit} ${image ?? '-'}`);
}

/** `code path:line` of every problem, those of references first. */
export function problems({ references, problems: others }: Discovered): string[] {
  return [...references.flatMap((reference) => reference.problems), ...others].map(
    ({ code, path, line }) => `${code} ${path}${line === undefined ? '' : `:${line}`}`,
  );
}

export function container(image: string): string {
  return `[Container]\nImage=${image}\n`;
}
