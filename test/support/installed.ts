import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

const home = resolve(import.meta.dirname, '../..');

/** The single executable, built if the sources changed. @returns its path. */
export function executable(): string {
  make('dist');
  return join(built(), 'berth');
}

/** Installs berth below a directory, as a distribution would. */
export function install(directory: string, prefix = '/usr'): void {
  make('install', `DESTDIR=${directory}`, `PREFIX=${prefix}`);
}

/** One make at a time: test files run side by side. node_modules stays as npm left it. */
function make(...words: string[]): void {
  const options = ['--silent', '--old-file=node_modules/.installed', `DIST=${built()}`];
  execFileSync('flock', [built(), 'make', ...options, ...words], {
    cwd: home,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** In the cache: tests leave this checkout as it is. Each checkout has its own. */
function built(): string {
  const cache = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  const key = createHash('sha256').update(home).digest('hex').slice(0, 12);
  const directory = join(cache, 'berth-test', `dist-${key}`);
  mkdirSync(directory, { recursive: true });
  return directory;
}
