import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** Why tests that mount something don't run. */
export const skipMounts: string | false =
  process.geteuid?.() === 0 ? false : 'only root can mount a small file system';

export interface SmallFileSystem {
  readonly directory: string;
  /** Mounts it again with other options: `size=8m`, `ro`. */
  readonly remount: (options: string) => void;
  readonly unmount: () => void;
}

/**
 * Mounts a file system of its own on a directory, which is made. Who does so unmounts it.
 *
 * @param options of tmpfs(5): `size=1m,nr_inodes=20`.
 */
export function mountSmall(directory: string, options: string): SmallFileSystem {
  mkdirSync(directory, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', directory]);
  return {
    directory,
    remount: (other) => execFileSync('mount', ['-o', `remount,${other}`, directory]),
    unmount: () => execFileSync('umount', [directory]),
  };
}

/** One in a directory of its own, mounted until the test ends. */
export function smallFileSystem(t: TestContext, options: string): SmallFileSystem {
  const directory = mkdtempSync(join(tmpdir(), 'berth-test-'));
  const mounted = mountSmall(directory, options);
  t.after(() => {
    mounted.unmount();
    rmdirSync(directory);
  });
  return mounted;
}
