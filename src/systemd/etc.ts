import { posix } from 'node:path';
import type { Root } from '../root/root.ts';

/**
 * The directory of a tree that the booted root will see as `/etc`. An ostree tree that was never
 * booted has no `/etc` yet, only `/usr/etc`.
 */
export type Etc = '/etc' | '/usr/etc';

/** @throws {RootError} */
export function etcDirectory(root: Root): Etc {
  return root.lookup('/etc') === undefined && root.lookup('/usr/etc') !== undefined
    ? '/usr/etc'
    : '/etc';
}

/** Translates a path as the booted root has it into the path in the tree. */
export function whereInTree(etc: Etc, path: string): string {
  return path === '/etc' || path.startsWith('/etc/') ? etc + path.slice('/etc'.length) : path;
}

/**
 * The path at which to read the file that the booted root will find at `path`. Relative links
 * under `/usr/etc` are written for a place one level higher, and absolute links may say `/etc`, so
 * they are resolved here. In a tree with an `/etc` the result is `path` itself: the root follows
 * its links as they are.
 *
 * @throws {RootError}
 */
export function followed(root: Root, etc: Etc, path: string): string {
  return etc === '/usr/etc' ? linkTarget(root, etc, path) : path;
}

/**
 * The end of the chain of links that begins at `path`. Only the texts of the links are used, so
 * the result need not exist.
 *
 * @throws {RootError}
 */
export function linkTarget(root: Root, etc: Etc, path: string): string {
  let at = path;
  // The kernel follows at most 40 links (path_resolution(7)).
  for (let links = 0; links < 40; links++) {
    const next = linkedPath(root, etc, at);
    if (next === undefined) break;
    at = next;
  }
  return at;
}

/**
 * The path that the text of the link at `path` names; undefined if there is no link at `path`.
 *
 * @throws {RootError}
 */
export function linkedPath(root: Root, etc: Etc, path: string): string | undefined {
  const text = root.readLink(path);
  if (text === undefined) return undefined;
  const booted = etc === '/usr/etc' && path.startsWith('/usr/etc/') ? path.slice(4) : path;
  return whereInTree(etc, posix.resolve(posix.dirname(booted), text));
}
