import { chmodSync, lchownSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { writeRoot } from '../support/berth.ts';
import { tar } from '../support/tar.ts';

/** An unprivileged user, and her group. */
export const mallory = 4711;

export const home = 'home/mallory';

export const skip = process.getuid?.() !== 0 && 'only root can give files to others';

/** What only root may read. */
export const secret = 's3cr3t-of-root';

/** What mallory says where berth must not listen: it stands in no request and in no output. */
export const marker = 'planted-by-mallory';

export const passwd = [
  'root:x:0:0::/root:/bin/sh',
  `mallory:x:${mallory}:${mallory}::/${home}:/bin/sh`,
].join('\n');

/**
 * A root that has a user.
 *
 * @param files root's, by their path; a path of the home gives the file to mallory.
 * @param modes of some of them.
 */
export function writeShared(
  directory: string,
  files: Readonly<Record<string, string>>,
  modes: Readonly<Record<string, number>> = {},
): string {
  mkdirSync(directory, { recursive: true });
  writeRoot(directory, { 'etc/passwd': passwd, [`${home}/.keep`]: '', ...files });
  for (const [path, mode] of Object.entries(modes)) chmodSync(join(directory, path), mode);
  give(join(directory, home));
  return directory;
}

function give(path: string): void {
  lchownSync(path, mallory, mallory);
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  for (const name of readdirSync(path)) give(join(path, name));
}

/** The same files as a layer of an OS image. */
export function sharedLayer(
  files: Readonly<Record<string, string>>,
  modes: Readonly<Record<string, number>> = {},
): Buffer {
  const all = { 'etc/passwd': passwd, ...files };
  const owner = (path: string) => (path.startsWith(home) ? mallory : 0);
  const directories = new Set(Object.keys(all).flatMap(above));
  return tar([
    ...[...directories].toSorted().map((path) => ({
      path: `${path}/`,
      type: '5',
      uid: owner(path),
      gid: owner(path),
    })),
    ...Object.entries(all).map(([path, content]) => ({
      path,
      uid: owner(path),
      gid: owner(path),
      mode: modes[path] ?? 0o644,
      ...(content.startsWith('-> ') ? { type: '2', target: content.slice(3) } : { content }),
    })),
  ]);
}

function above(path: string): string[] {
  const directory = dirname(path);
  return directory === '.' ? [] : [...above(directory), directory];
}
