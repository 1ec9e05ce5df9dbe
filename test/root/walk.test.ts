import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { rootError, rootOf, textOf } from './fixture.ts';

test('links are resolved inside the root', (t) => {
  const { root } = rootOf(t, {
    'usr/lib/unit': 'inside',
    lib: '-> usr/lib',
    'etc/absolute': '-> /usr/lib/unit',
    'etc/relative': '-> ../lib/unit',
    'etc/up': '-> ../../../../../usr/lib/unit',
    'etc/directory': '-> /usr/./lib//',
    root: '-> /',
  });
  for (const path of [
    '/lib/unit',
    '/etc/absolute',
    '/etc/relative',
    '/etc/up',
    '/etc/directory/unit',
    '/etc/directory/../lib/unit',
    '/root/root/lib/unit',
    '/../../lib/../lib/unit',
    '//usr/./lib///unit',
  ]) {
    assert.equal(textOf(root, path), 'inside', path);
    assert.deepEqual(root.lookup(path), { realPath: '/usr/lib/unit', kind: 'file' }, path);
    assert.equal(root.readFile(path)?.realPath, '/usr/lib/unit', path);
  }
  assert.deepEqual(root.lookup('/root'), { realPath: '/', kind: 'directory' });
  assert.deepEqual(root.lookup('/'), { realPath: '/', kind: 'directory' });
  assert.deepEqual(root.list('/etc/directory'), [{ name: 'unit', kind: 'file' }]);
});

test('`..` goes up from the target of a link, not from the link', (t) => {
  const { root } = rootOf(t, {
    'a/b/file': 'of a/b',
    'a/file': 'of a',
    file: 'of the root',
    jump: '-> a/b',
  });
  // A lexical reading of `/jump/..` would be `/`.
  assert.equal(textOf(root, '/jump/../file'), 'of a');
  assert.equal(textOf(root, '/jump/../../file'), 'of the root');
});

test('links to the files of the running system end inside the root', (t) => {
  const links = {
    'etc/a.container': '-> /etc/shadow',
    'etc/b.container': `-> ${'../'.repeat(30)}etc/shadow`,
    'etc/c.container': '-> /proc/self/root/etc/shadow',
    outside: '-> ../../../../../../../etc',
  };
  const bare = rootOf(t, links).root;
  for (const path of ['/etc/a.container', '/etc/b.container', '/etc/c.container']) {
    assert.equal(bare.readFile(path), undefined, path);
    assert.equal(bare.lookup(path), undefined, path);
  }
  const own = rootOf(t, { ...links, 'etc/shadow': 'its own' }).root;
  assert.equal(textOf(own, '/etc/a.container'), 'its own');
  assert.equal(textOf(own, '/etc/b.container'), 'its own');
  assert.equal(textOf(own, '/outside/shadow'), 'its own');
  assert.equal(own.readFile('/etc/c.container'), undefined);
});

test('a missing file is undefined', (t) => {
  const { root } = rootOf(t, { 'etc/file': 'x', 'etc/dangling': '-> nowhere' });
  for (const path of [
    '/nothing',
    '/etc/nothing/../file',
    '/etc/file/',
    '/etc/file/.',
    '/etc/file/../file',
    '/etc/file/below',
    '/etc/dangling',
    '/etc/dangling/below',
    '/etc/a\0b',
    '/etc/\ud800',
    `/etc/${'n'.repeat(300)}`,
  ]) {
    assert.equal(root.lookup(path), undefined, path);
    assert.equal(root.list(path), undefined, path);
    assert.equal(root.readFile(path), undefined, path);
    if (path !== '/etc/dangling') assert.equal(root.readLink(path), undefined, path);
  }
});

test('link loops end', (t) => {
  const { root } = rootOf(t, {
    self: '-> self',
    a: '-> b',
    b: '-> /a',
    'd/deeper': '-> ../d/deeper/deeper',
  });
  for (const path of ['/self', '/a', '/b/c', '/d/deeper']) {
    assert.throws(() => root.lookup(path), rootError('too-many-links', path));
    assert.throws(() => root.list(path), rootError('too-many-links', path));
    assert.throws(() => root.readFile(path), rootError('too-many-links', path));
  }
});

test('40 links are followed, 41 are not', (t) => {
  const tree: Record<string, string> = { link0: 'the end' };
  for (let at = 1; at <= 41; at++) tree[`link${at}`] = `-> link${at - 1}`;
  const { root } = rootOf(t, tree);
  assert.equal(textOf(root, '/link40'), 'the end');
  assert.throws(() => root.readFile('/link41'), rootError('too-many-links', '/link41'));
});

test('readLink gives the target of a link, and nothing for other files', (t) => {
  const { root } = rootOf(t, {
    'etc/unit': '-> /../usr//lib/./unit',
    'etc/dangling': '-> nowhere',
    'usr/lib/unit': 'x',
    way: '-> etc',
  });
  assert.equal(root.readLink('/etc/unit'), '/../usr//lib/./unit');
  assert.equal(root.readLink('/way/dangling'), 'nowhere');
  assert.equal(root.readLink('/way'), 'etc');
  for (const path of ['/way/', '/usr/lib/unit', '/usr', '/', '/nothing', '/way/..']) {
    assert.equal(root.readLink(path), undefined, path);
  }
});

test('64 levels are read, and a tree 2,000 deep is an error at the 65th', (t) => {
  const { root, directory } = rootOf(t, {});
  const deep = '/d'.repeat(2_000);
  mkdirSync(directory + deep, { recursive: true });
  writeFileSync(join(directory, '/d'.repeat(64), 'file'), 'deep');
  symlinkSync(`..${'/d'.repeat(40)}`, join(directory, 'd/down'));

  assert.equal(textOf(root, `${'/d'.repeat(64)}/file`), 'deep');
  assert.deepEqual(
    root.list('/d'.repeat(64))?.map(({ name }) => name),
    ['d', 'file'],
  );
  for (const path of ['/d'.repeat(65), deep, `/d/down${'/d'.repeat(25)}`]) {
    assert.throws(() => root.lookup(path), rootError('too-deep', path));
    assert.throws(() => root.list(path), rootError('too-deep', path));
    assert.throws(() => root.readFile(`${path}/file`), rootError('too-deep'));
  }
  // Down and up again is not deep.
  assert.equal(root.lookup(`${'/d/..'.repeat(200)}/d`)?.realPath, '/d');
});
