import { posix } from 'node:path';
import type { Root } from '../root/root.ts';

/**
 * Where a root keeps what it will see as `/etc`: `/usr/etc` in an ostree tree that was never
 * booted, and so has no `/etc` yet.
 */
export type Etc = '/etc' | '/usr/etc';

/** @throws {RootError} */
export function etcDirectory(root: Root): Etc {
  return root.lookup('/etc') === undefined && root.lookup('/usr/etc') !== undefined
    ? '/usr/etc'
    : '/etc';
}

/** Where in the tree to find what the booted root calls `path`. */
export function whereInTree(etc: Etc, path: string): string {
  return path === '/etc' || path.startsWith('/etc/') ? etc + path.slice('/etc'.length) : path;
}

/**
 * Where to read what the booted root will find at `path`: links under `/usr/etc` are written for
 * a place one level higher, and absolute ones may say `/etc`. In a tree that has its `/etc` in
 * place this is `path` itself, whose links the root follows.
 *
 * @throws {RootError}
 */
export function followed(root: Root, etc: Etc, path: string): string {
  return etc === '/usr/etc' ? linkTarget(root, etc, path) : path;
}

/**
 * The end of the chain of links that begins at `path`, by their texts alone, whether something
 * is there or not.
 *
 * @throws {RootError}
 */
export function linkTarget(root: Root, etc: Etc, path: string): string {
  let at = path;
  // As many links as the kernel follows (path_resolution(7)).
  for (let links = 0; links < 40; links++) {
    const next = linkedPath(root, etc, at);
    if (next === undefined) break;
    at = next;
  }
  return at;
}

/**
 * Where the link at `path` itself leads by its text; undefined if it is none.
 *
 * @throws {RootError}
 */
export function linkedPath(root: Root, etc: Etc, path: string): string | undefined {
  const text = root.readLink(path);
  if (text === undefined) return undefined;
  const booted = etc === '/usr/etc' && path.startsWith('/usr/etc/') ? path.slice(4) : path;
  return whereInTree(etc, posix.resolve(posix.dirname(booted), text));
}
