import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { nameFromBytes, nameToBytes } from '../../src/common/path-bytes.ts';
import { openRoot } from '../../src/root/open-root.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { openDescriptors, rootError, rootOf, textOf } from './fixture.ts';

test('entries come with their kinds, in the order of their bytes', (t) => {
  const { root, directory } = rootOf(t, { b: '', 'a/x': '', B: '', c: '-> a', 'a.b': '' });
  spawnSync('mkfifo', [join(directory, 'fifo')]);
  assert.deepEqual(root.list('/'), [
    { name: 'B', kind: 'file' },
    { name: 'a', kind: 'directory' },
    { name: 'a.b', kind: 'file' },
    { name: 'b', kind: 'file' },
    { name: 'c', kind: 'link' },
    { name: 'fifo', kind: 'other' },
  ]);
  assert.deepEqual(root.list('/c'), [{ name: 'x', kind: 'file' }]);
  assert.throws(() => root.list('/b'), rootError('not-a-directory', '/b'));
  assert.throws(() => root.list('/fifo'), rootError('not-a-directory', '/fifo'));
});

test('names that are not UTF-8 are listed, found, read and followed', (t) => {
  const { root, directory } = rootOf(t, { plain: '' });
  const bytes = ['ff2e636f6e7461696e6572', 'c3a9', 'efbfbd', 'f09f9880', 'ee8080', '80'].map(
    (hex) => Buffer.from(hex, 'hex'),
  );
  const host = (name: Buffer): Buffer => Buffer.concat([Buffer.from(`${directory}/`), name]);
  for (const name of bytes) writeFileSync(host(name), name);
  mkdirSync(host(Buffer.from('d\xff', 'latin1')));
  writeFileSync(host(Buffer.from('d\xff/\xfe', 'latin1')), 'below');
  symlinkSync(Buffer.from('d\xff/\xfe', 'latin1'), join(directory, 'link'));

  const listed = root.list('/')?.map(({ name }) => nameToBytes(name)) ?? [];
  const expected = [
    ...bytes,
    ...['d\xff', 'link', 'plain'].map((name) => Buffer.from(name, 'latin1')),
  ];
  assert.deepEqual(
    listed,
    expected.sort((a, b) => a.compare(b)),
  );
  for (const name of bytes) {
    assert.deepEqual(root.readFile(`/${nameFromBytes(name)}`)?.content, name);
  }
  assert.equal(textOf(root, '/d\udcff/\udcfe'), 'below');
  assert.equal(root.readLink('/link'), 'd\udcff/\udcfe');
  assert.deepEqual(root.lookup('/link'), { realPath: '/d\udcff/\udcfe', kind: 'file' });
});

test('65,536 entries are listed, one more is an error', (t) => {
  const { root, directory } = rootOf(t, {});
  for (let at = 0; at < 65_536; at++) symlinkSync('x', `${directory}/${at}`);
  assert.equal(root.list('/')?.length, 65_536);
  symlinkSync('x', `${directory}/more`);
  const before = openDescriptors();
  assert.throws(() => root.list('/'), rootError('too-many-entries', '/'));
  assert.equal(openDescriptors(), before);
});

test('a file system that reports no kinds is listed with kinds', (t) => {
  const directory = mountWithoutKinds(t);
  if (directory === undefined) return;
  writeFileSync(join(directory, 'file'), 'x');
  symlinkSync('file', join(directory, 'link'));
  const root = openRoot(directory);
  t.after(() => root.close());
  assert.deepEqual(root.list('/'), [
    { name: 'file', kind: 'file' },
    { name: 'link', kind: 'link' },
    { name: 'lost+found', kind: 'directory' },
  ]);
});

/** An ext2 without the feature `filetype`: its readdir says DT_UNKNOWN of everything. */
function mountWithoutKinds(t: TestContext): string | undefined {
  const mounted: string[] = [];
  // Hooks run in this order: the mount must be gone before the directory is removed.
  t.after(() => {
    for (const path of mounted) execFileSync('umount', ['--lazy', path]);
  });
  const directory = temporaryDirectory(t);
  const image = join(directory, 'image');
  const target = join(directory, 'mounted');
  mkdirSync(target);
  const made = spawnSync('mke2fs', ['-q', '-t', 'ext2', '-O', '^filetype', image, '1M']);
  if (made.status !== 0 || spawnSync('mount', ['-o', 'loop', image, target]).status !== 0) {
    t.skip('needs mke2fs and the right to mount');
    return undefined;
  }
  mounted.push(target);
  return target;
}
