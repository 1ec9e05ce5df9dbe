import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const home = resolve(import.meta.dirname, '../..');

/** The blocks of code of one language in a page of the project, those in lists too. */
export function blocksOf(page: string, language: string): readonly string[] {
  const pattern = new RegExp(`^( *)\`\`\`${language}\\n(.*?)^\\1\`\`\`$`, 'gms');
  const text = readFileSync(join(home, page), 'utf8');
  return [...text.matchAll(pattern)].map(([, indent = '', block = '']) =>
    block.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  );
}

/** The scripts that a test of the page runs: all but those that another test does, or none can. */
export function scriptsOf(page: string): readonly string[] {
  const elsewhere = scriptsElsewhere[page] ?? {};
  const isElsewhere = (block: string) =>
    Object.keys(elsewhere).some((start) => block.startsWith(start));
  return blocksOf(page, 'sh').filter((block) => !isElsewhere(block));
}

/** By page, and by how a script begins: the test that runs such commands, or why none does. */
export const scriptsElsewhere: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'CONTRIBUTING.md': {
    'npm ci': 'test/packaging/checkout.test.ts',
    'node --test': 'they run the tests',
    BERTH_SEED: 'they run the tests',
    'tsc --noEmit': 'they are what CI runs',
  },
  'docs/gate.md': {
    'bootc upgrade --download-only': 'test/docs/pages.host.test.ts',
    'rpm-ostree upgrade': 'Debian has no rpm-ostree',
  },
  'docs/install.md': {
    'make image': 'test/packaging/container.peer.test.ts',
    'npx --package': 'test/packaging/npm.test.ts',
    'npm ci --omit=dev': 'test/packaging/checkout.test.ts',
    'make install': 'test/packaging/checkout.test.ts',
  },
};
