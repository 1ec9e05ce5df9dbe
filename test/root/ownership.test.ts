import assert from 'node:assert/strict';
import { chmodSync, chownSync, lchownSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import fc from 'fast-check';
import { tarEntries } from '../../src/common/tar/read.ts';
import { ImageRoot } from '../../src/root/image-root.ts';
import { LayerTree } from '../../src/root/layer-tree.ts';
import { openRoot } from '../../src/root/open-root.ts';
import { isForeign } from '../../src/root/ownership.ts';
import { type Root, RootError } from '../../src/root/root.ts';
import { readUserMounts, userMounts } from '../../src/root/user-mounts.ts';
import { holds } from '../support/property.ts';
import { chunksOf, tar } from '../support/tar.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { rootError } from './fixture.ts';

const root = { uid: 0, gid: 0 };
const skip = process.getuid?.() !== 0 && 'only root can give files to others';

test('only files that nobody but root may write are part of the OS', () => {
  const rows: readonly [uid: number, gid: number, mode: number, foreign: boolean][] = [
    [0, 0, 0o644, false],
    [0, 0, 0o664, false],
    [0, 0, 0o4755, false],
    [0, 50, 0o644, false],
    [0, 50, 0o664, true],
    [0, 0, 0o646, true],
    [0, 0, 0o1777, true],
    [1000, 0, 0o444, true],
    [1000, 1000, 0o400, true],
  ];
  for (const [uid, gid, mode, foreign] of rows) {
    assert.equal(isForeign({ uid, gid, mode }, root), foreign, `${uid}:${gid} ${mode.toString(8)}`);
  }
  const builder = { uid: 1000, gid: 1000 };
  assert.equal(isForeign({ uid: 1000, gid: 1000, mode: 0o664 }, builder), false);
  assert.equal(isForeign({ uid: 1001, gid: 1000, mode: 0o644 }, builder), true);
});

/** A directory, file or link of a generated tree. */
interface Made {
  readonly path: string;
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
  readonly target?: string;
}

const leaves = ['/a/b/f', '/a/c/f', '/d/f', '/f'];
const directories = ['/a', '/a/b', '/a/c', '/d'];

const owner = { uid: fc.constantFrom(0, 0, 0, 7), gid: fc.constantFrom(0, 0, 7) };
const madeDirectory = (path: string) =>
  fc.record({
    path: fc.constant(path),
    ...owner,
    mode: fc.constantFrom(0o755, 0o755, 0o775, 0o777, 0o1777, 0o700),
  });
const madeLeaf = (path: string) =>
  fc.oneof(
    fc.record({
      path: fc.constant(path),
      ...owner,
      mode: fc.constantFrom(0o644, 0o664, 0o666, 0o600),
    }),
    fc.record({
      path: fc.constant(path),
      ...owner,
      mode: fc.constant(0o777),
      target: fc.constantFrom(...leaves.filter((other) => other !== path)),
    }),
  );
const tree = fc.tuple(...directories.map(madeDirectory), ...leaves.map(madeLeaf));

/** The expected result of the rules for a path: a second implementation, from the top down. */
function expected(all: readonly Made[], path: string, links = 0): string {
  const names = path.split('/').slice(1);
  let isPublic = true;
  let isInShared = false;
  for (const [i] of names.entries()) {
    const made = all.find((one) => one.path === `/${names.slice(0, i + 1).join('/')}`);
    if (made === undefined) return 'none';
    const isDirectory = i < names.length - 1;
    if (isInShared && !isDirectory) return 'user-writable';
    const isLink = made.target !== undefined;
    const writes = (made.mode & 2) !== 0 || ((made.mode & 0o20) !== 0 && made.gid !== 0);
    isInShared = isDirectory && made.uid === 0 && (made.mode & 0o1000) !== 0;
    if (made.uid !== 0 || (writes && !isLink && !isInShared)) return 'user-writable';
    if (isLink) {
      return links === 40 ? 'too-many-links' : expected(all, made.target ?? '', links + 1);
    }
    isPublic &&= (made.mode & (isDirectory ? 1 : 4)) !== 0;
  }
  return isPublic ? 'public' : 'hidden';
}

function found(of: Root, path: string): string {
  try {
    const file = of.readFile(path);
    if (file === undefined) return 'none';
    return file.isPrivate ? 'hidden' : 'public';
  } catch (error) {
    if (error instanceof RootError) return error.code;
    throw error;
  }
}

function onDisk(t: TestContext, all: readonly Made[]): Root {
  const top = join(temporaryDirectory(t), 'root');
  mkdirSync(top);
  for (const { path, mode, target } of all) {
    if (directories.includes(path)) mkdirSync(join(top, path));
    else if (target === undefined) writeFileSync(join(top, path), 'x', { mode });
    else symlinkSync(target, join(top, path));
  }
  for (const { path, uid, gid, mode, target } of all) {
    lchownSync(join(top, path), uid, gid);
    if (target === undefined) chmodSync(join(top, path), mode);
  }
  return openRoot(top);
}

async function inImage(all: readonly Made[]): Promise<Root> {
  const members = all.map(({ path, target, ...rights }) => ({
    path: path.slice(1),
    type: directories.includes(path) ? '5' : target === undefined ? '0' : '2',
    ...(target === undefined ? {} : { target }),
    ...(target === undefined && !directories.includes(path) ? { content: 'x' } : {}),
    ...rights,
  }));
  // An image keeps only files below some directories.
  const etc = { path: 'etc', type: '5', uid: 0, gid: 0, mode: 0o755 };
  const below = members.map((member) => ({
    ...member,
    path: `etc/${member.path}`,
    ...('target' in member ? { target: `/etc${member.target}` } : {}),
  }));
  const layers = new LayerTree();
  await layers.apply(tarEntries(chunksOf(tar([etc, ...below]))));
  return new ImageRoot({ tree: layers.root }, 'image:x', 'os');
}

test('a directory and an image give the same result for who may write a tree', {
  skip,
}, async (t) => {
  await holds(
    50,
    fc.asyncProperty(tree, async (all) => {
      const disk = onDisk(t, all);
      const image = await inImage(all);
      try {
        for (const path of leaves) {
          const rule = expected(all, path);
          assert.equal(found(disk, path), rule, `on disk: ${path}`);
          assert.equal(found(image, `/etc${path}`), rule, `in the image: ${path}`);
          const inPublic = rule === 'hidden' ? 'private' : rule;
          assert.equal(found(disk.as('public'), path), inPublic, `public: ${path}`);
          assert.equal(found(image.as('public'), `/etc${path}`), inPublic);
        }
      } finally {
        disk.close();
      }
    }),
  );
});

test('creating a file where others may write changes no answer', { skip }, (t) => {
  const top = join(temporaryDirectory(t), 'root');
  mkdirSync(join(top, 'home/eve'), { recursive: true });
  mkdirSync(join(top, 'tmp'));
  chownSync(join(top, 'home/eve'), 7, 7);
  chmodSync(join(top, 'tmp'), 0o1777);
  const paths = ['/home/eve/x', '/home/eve/x/y', '/tmp/x'];
  const asked = () => {
    const of = openRoot(top);
    t.after(() => of.close());
    return paths.map((path) => {
      assert.throws(() => of.readFile(path), rootError('user-writable', path));
      assert.throws(() => of.lookup(path), rootError('user-writable', path));
      assert.throws(() => of.readLink(path), rootError('user-writable', path));
      return path;
    });
  };
  asked();
  mkdirSync(join(top, 'home/eve/x'));
  writeFileSync(join(top, 'home/eve/x/y'), '');
  writeFileSync(join(top, 'tmp/x'), '');
  asked();
});

test('in the view `present`, links that others may write lead nowhere', {
  skip,
}, (t) => {
  const top = join(temporaryDirectory(t), 'root');
  mkdirSync(join(top, 'home/eve'), { recursive: true });
  mkdirSync(join(top, 'root'));
  writeFileSync(join(top, 'root/secret'), '');
  symlinkSync('/root/secret', join(top, 'home/eve/link'));
  writeFileSync(join(top, 'home/eve/own'), '');
  chownSync(join(top, 'home/eve'), 7, 7);
  const of = openRoot(top);
  t.after(() => of.close());
  const present = of.as('present');
  assert.equal(present.lookup('/home/eve/link'), undefined);
  assert.equal(present.lookup('/home/eve/own')?.foreign?.uid, 7);
  assert.equal(present.lookup('/root/secret')?.foreign, undefined);
  assert.equal(of.as('any').lookup('/home/eve/link')?.realPath, '/root/secret');
});

test('a tree whose top directory others may write is refused', { skip }, (t) => {
  const top = join(temporaryDirectory(t), 'root');
  mkdirSync(top);
  chownSync(top, 7, 7);
  assert.throws(() => openRoot(top), rootError('user-writable', '/'));
  openRoot(top, 'any').close();
  chownSync(top, 0, 0);
  chmodSync(top, 0o777);
  assert.throws(() => openRoot(top), rootError('user-writable', '/'));
});

test('files of procfs and sysfs are no files of a tree', (t) => {
  const of = openRoot('/');
  t.after(() => of.close());
  const { pid } = process;
  for (const path of [`/proc/${pid}/environ`, '/sys/kernel/uevent_helper', '/proc']) {
    assert.throws(() => of.readFile(path), rootError('not-a-file', path));
  }
});

test('a file system that a user mounted belongs to the user and is not looked at', () => {
  const text = [
    '36 35 98:0 / / rw,noatime master:1 - ext4 /dev/root rw,errors=continue',
    '90 36 0:51 / /home/eve rw,nosuid,nodev - fuse.sshfs eve@x: rw,user_id=1000,group_id=1000',
    '91 36 0:52 / /srv/a\\040b rw - fuse x rw,user_id=1001,group_id=0,allow_other',
    '92 36 0:53 / /srv/data rw - fuse.s3fs s3fs rw,user_id=0,group_id=0,allow_other',
    '93 36 0:54 / /mnt rw - virtiofs share rw',
  ].join('\n');
  const { byPath, byDevice } = userMounts(text);
  assert.deepEqual(
    [...byPath],
    [
      ['/home/eve', 1000],
      ['/srv/a b', 1001],
    ],
  );
  assert.deepEqual(
    [...byDevice],
    [
      [51, 1000],
      [52, 1001],
    ],
  );
  assert.ok(readUserMounts().byPath instanceof Map);
});

test('a tree whose /usr or /etc others may write is refused too', { skip }, (t) => {
  for (const name of ['usr', 'etc']) {
    const top = join(temporaryDirectory(t), 'root');
    mkdirSync(join(top, name), { recursive: true });
    openRoot(top).close();
    chownSync(join(top, name), 7, 7);
    assert.throws(
      () => openRoot(top),
      (error) => {
        assert.match(String(error), new RegExp(`/${name}, which belongs to user 7$`));
        return rootError('user-writable', '/')(error);
      },
    );
  }
});

test('nobody is told to take /tmp from its users', { skip }, (t) => {
  const hintOf = (mode: number) => {
    const top = join(temporaryDirectory(t), 'root');
    mkdirSync(join(top, 'usr'), { recursive: true });
    chmodSync(top, mode);
    try {
      openRoot(top).close();
    } catch (error) {
      return error instanceof RootError ? error.hint : error;
    }
    return undefined;
  };
  assert.match(String(hintOf(0o777)), /chmod go-w/);
  assert.match(String(hintOf(0o1777)), /^give the top of an OS tree/);
});
