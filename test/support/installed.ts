import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';

const home = resolve(import.meta.dirname, '../..');

/** The single executable, built if the sources changed. @returns its path. */
export function executable(): string {
  make('dist');
  return resolve(home, 'dist/berth');
}

/** Lays berth down below a directory, as a distribution would. */
export function install(directory: string, prefix = '/usr'): void {
  make('install', `DESTDIR=${directory}`, `PREFIX=${prefix}`);
}

/** One at a time: tests run at once. What npm installed is left alone. */
function make(...words: string[]): void {
  execFileSync('flock', ['Makefile', 'make', '--old-file=node_modules/.installed', ...words], {
    cwd: home,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}
