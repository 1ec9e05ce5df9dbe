import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

const home = resolve(import.meta.dirname, '../..');

/** The single executable, built if the sources changed, of this architecture or another. @returns its path. */
export function executable(arch: 'arm64' | 'x64' | '' = ''): string {
  make('dist', `ARCH=${arch}`);
  return join(built(), arch === '' ? 'berth' : `berth-${arch}`);
}

/** Installs berth below a directory, as a distribution would. */
export function install(directory: string, prefix = '/usr'): void {
  make('install', `DESTDIR=${directory}`, `PREFIX=${prefix}`);
}

/** Builds the container image of berth with the command that is given. */
export function buildContainer(build: string, image: string): void {
  make('image', `BUILD=${build}`, `IMAGE=${image}`);
}

/** Makes packages in a directory; `words` are for make. */
export function makePackages(directory: string, ...words: readonly string[]): void {
  const maintainer = 'MAINTAINER=A Maintainer <maintainer@acme.example>';
  make('packages', `PACKAGES=${directory}`, 'COMPRESSION=none', maintainer, ...words);
}

/** One make at a time: test files run side by side. node_modules stays as npm left it. */
function make(...words: string[]): void {
  const options = ['--silent', '--old-file=node_modules/.installed', `DIST=${built()}`];
  execFileSync('flock', [built(), 'make', ...options, ...words], {
    cwd: home,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** The build of this checkout, in the cache: tests leave the checkout as it is. */
function built(): string {
  const cache = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'berth-test');
  const key = createHash('sha256').update(home).digest('hex').slice(0, 12);
  const directory = join(cache, `dist-${key}`);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, CHECKOUT), home);
  for (const name of readdirSync(cache).filter((entry) => entry.startsWith('dist-'))) {
    const file = join(cache, name, CHECKOUT);
    // Empty while another test file writes it.
    const checkout = existsSync(file) ? readFileSync(file, 'utf8') : '';
    if (checkout !== '' && !existsSync(checkout))
      rmSync(join(cache, name), { recursive: true, force: true });
  }
  return directory;
}

/** The file that names the checkout of a build, which takes 100 MB: no checkout, no build. */
const CHECKOUT = 'checkout';
