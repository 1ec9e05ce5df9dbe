import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openRoot } from '../../src/root/open-root.ts';
import { assertOsTree, isOsTree } from '../../src/root/os-tree.ts';
import { RootError } from '../../src/root/root.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { type Tree, writeTree } from '../support/tree.ts';

/** Directories by name, with whether an OS is in them. A path that ends in `/` is a directory. */
const cases: readonly (readonly [string, Tree, boolean])[] = [
  ['an empty directory', {}, false],
  ['a new file system', { '/lost+found/': '' }, false],
  ['a home', { '/.bashrc': '', '/.config/containers/systemd/a.container': '' }, false],
  ['/var', { '/lib/systemd/': '', '/log/': '', '/usr.txt': '' }, false],
  ['/boot', { '/vmlinuz': '', '/loader/entries/1.conf': '' }, false],
  ['an empty image of a disk with directories to mount on', { '/proc/': '', '/sys/': '' }, false],
  ['files named usr and etc', { '/usr': '', '/etc': '' }, false],
  ['links that lead nowhere', { '/usr': '-> gone', '/etc': '-> /gone' }, false],
  ['a link out of the tree', { '/usr': '-> /tmp' }, false],
  ['usr alone', { '/usr/': '' }, true],
  ['etc alone', { '/etc/': '' }, true],
  ['a tree that ostree never booted', { '/usr/etc/os-release': '' }, true],
  ['a link inside the tree', { '/usr': '-> system', '/system/': '' }, true],
];

for (const [name, tree, expected] of cases) {
  test(`${name}: ${expected ? 'an OS tree' : 'no OS tree'}`, (t) => {
    const directory = temporaryDirectory(t);
    for (const [path, content] of Object.entries(tree)) {
      if (path.endsWith('/')) mkdirSync(join(directory, path), { recursive: true });
      else writeTree(directory, { [path]: content });
    }
    const root = openRoot(directory);
    t.after(() => root.close());
    assert.equal(isOsTree(root), expected);
    if (expected) assertOsTree(root);
    else assert.throws(() => assertOsTree(root), isRefusal(directory));
  });
}

function isRefusal(directory: string): (error: unknown) => boolean {
  return (error) =>
    error instanceof RootError &&
    error.code === 'not-a-root' &&
    error.kind === 'usage' &&
    error.message.includes(directory) &&
    error.hint.includes('mounted');
}
