import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { debianRoot, type Suite } from './debian-root.ts';
import { temporaryDirectory } from './temporary.ts';

/** A Debian root that a test may change. */
export interface LayeredRoot {
  readonly path: string;
  /** Runs a command in it, as if it were the system. @returns what the command prints. */
  readonly run: (...command: readonly string[]) => string;
  /** The paths of what differs from the release: files and links. */
  readonly changed: () => readonly string[];
}

/**
 * The root of a Debian release with a layer of the test's own above it: nothing is copied.
 *
 * @param shared is what the root sees in `/mnt`.
 */
export function layeredRoot(t: TestContext, suite: Suite, shared: string): LayeredRoot {
  const directory = temporaryDirectory(t);
  const [path, upper, work] = ['root', 'upper', 'work'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  for (const each of [path, upper, work]) mkdirSync(each);
  const layers = `lowerdir=${debianRoot(suite)},upperdir=${upper},workdir=${work}`;
  execFileSync('mount', ['-t', 'overlay', '-o', layers, 'overlay', path]);
  const enter =
    'mount -t proc proc "$0/proc" && mount -t tmpfs tmpfs "$0/run" && mount --bind "$1" "$0/mnt" && ' +
    'shift && exec chroot "$0" "$@"';
  return {
    path,
    run: (...command) =>
      execFileSync('unshare', ['--mount', 'sh', '-c', enter, path, shared, ...command], {
        encoding: 'utf8',
        env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', DEBIAN_FRONTEND: 'noninteractive' },
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    changed: () =>
      execFileSync('find', [upper, '!', '-type', 'd', '-printf', '%P\n'], { encoding: 'utf8' })
        .split('\n')
        .filter((name) => name !== '')
        .sort(),
  };
}
