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
    const text = root.readLink(at);
    if (text === undefined) break;
    const booted = etc === '/usr/etc' && at.startsWith('/usr/etc/') ? at.slice(4) : at;
    at = whereInTree(etc, posix.resolve(posix.dirname(booted), text));
  }
  return at;
}
