import { cpSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const home = resolve(import.meta.dirname, '../..');

/** What a build takes of a checkout; of npm's packages only what it needs, and the Node as a link. */
export function copyCheckout(directory: string): string {
  for (const name of ['src', 'scripts', 'packaging', 'bin', 'docs', 'examples', ...files()]) {
    cpSync(join(home, name), join(directory, name), { recursive: true });
  }
  const modules = join(directory, 'node_modules');
  mkdirSync(modules);
  for (const name of BUILD_PACKAGES) copyPackage(modules, name);
  const node = `node-linux-${process.arch}`;
  symlinkSync(join(home, 'node_modules', node), join(modules, node));
  writeFileSync(join(modules, '.installed'), '');
  return directory;
}

function files(): readonly string[] {
  return readdirSync(home, { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== '.git')
    .map(({ name }) => name);
}

const BUILD_PACKAGES = [
  '.bin',
  '@bufbuild',
  '@connectrpc',
  '@esbuild',
  'commander',
  'esbuild',
  'postject',
  'smol-toml',
  'valibot',
  'yaml',
];

function copyPackage(modules: string, name: string): void {
  const from = join(home, 'node_modules', name);
  if (!existsSync(from)) throw new Error(`expected ${from}: run npm ci`);
  cpSync(from, join(modules, name), { recursive: true, verbatimSymlinks: true });
}
