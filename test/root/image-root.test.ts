import assert from 'node:assert/strict';
import test from 'node:test';
import { TarError } from '../../src/common/tar/error.ts';
import { tarEntries } from '../../src/common/tar/read.ts';
import { ImageRoot } from '../../src/root/image-root.ts';
import { LayerTree } from '../../src/root/layer-tree.ts';
import { type Root, RootError } from '../../src/root/root.ts';
import { limitCpu } from '../support/limit-cpu.ts';
import { rounds, seed } from '../support/property.ts';
import { chunksOf, type Member, paxRecord, tar } from '../support/tar.ts';

async function imageOf(...layers: readonly (readonly Member[])[]): Promise<Root> {
  return rootOf(...layers.map(tar));
}

async function rootOf(...archives: readonly Buffer[]): Promise<Root> {
  const tree = new LayerTree();
  for (const archive of archives) await tree.apply(tarEntries(chunksOf(archive)));
  return new ImageRoot({ tree: tree.root }, 'image:test', 'os');
}

function textOf(root: Root, path: string): string | undefined {
  return root.readFile(path)?.content.toString();
}

function namesOf(root: Root, path: string): string | undefined {
  return root
    .list(path)
    ?.map(({ name, kind }) => `${name} ${kind}`)
    .join(', ');
}

/** An archive with an entry for its own top directory. */
async function withTop(mode: number, uid = 0): Promise<string> {
  const top = { path: './', type: '5', mode, uid };
  const root = await imageOf([top, { path: 'etc/a', content: 'x' }]);
  return codeOf(() => root.readFile('/etc/a'));
}

test('an image whose top directory others may write is refused', async () => {
  assert.equal(await withTop(0o755), 'no error');
  assert.equal(await withTop(0o775), 'no error');
  assert.equal(await withTop(0o777), 'user-writable');
  assert.equal(await withTop(0o755, 1000), 'user-writable');
});

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof RootError) return error.code;
    throw error;
  }
  return 'no error';
}

test('files, directories, links and others are found as in a directory', async () => {
  const root = await imageOf([
    { path: './etc/', type: '5' },
    { path: './etc/b', content: 'bee' },
    { path: 'etc/é', content: '' },
    { path: '/etc/link', type: '2', target: '../etc/b' },
    { path: 'etc/loop', type: '2', target: 'loop' },
    { path: 'etc/null', type: '3' },
  ]);
  assert.equal(namesOf(root, '/etc'), 'b file, link link, loop link, null other, é file');
  assert.deepEqual(root.lookup('/etc/link'), { realPath: '/etc/b', kind: 'file' });
  assert.equal(textOf(root, '/etc/link'), 'bee');
  assert.equal(root.readLink('/etc/link'), '../etc/b');
  assert.equal(root.readLink('/etc/b'), undefined);
  assert.equal(root.lookup('/etc/b/c'), undefined);
  assert.equal(root.list('/nowhere'), undefined);
  assert.equal(
    codeOf(() => root.lookup('/etc/loop')),
    'too-many-links',
  );
  assert.equal(
    codeOf(() => root.readFile('/etc/null')),
    'not-a-file',
  );
  assert.equal(
    codeOf(() => root.list('/etc/b')),
    'not-a-directory',
  );
  assert.equal(
    codeOf(() => root.readFile('/etc/b', 2)),
    'too-large',
  );
  root.close();
  assert.throws(() => root.lookup('/etc'), /closed/);
});

test('a whiteout removes entries of lower layers, wherever it stands in its layer', async () => {
  const lower = [
    { path: 'etc/a', content: 'old' },
    { path: 'etc/d/x', content: 'old' },
    { path: 'etc/d/y', content: 'old' },
    { path: 'etc/gone/z', content: 'old' },
  ];
  const root = await imageOf(lower, [
    { path: 'etc/d/new', content: 'new' },
    { path: 'etc/d/.wh..wh..opq' },
    { path: 'etc/a', content: 'new' },
    { path: 'etc/.wh.a' },
    { path: 'etc/.wh.gone' },
    { path: 'nowhere/.wh.x' },
  ]);
  assert.equal(namesOf(root, '/'), 'etc directory');
  assert.equal(namesOf(root, '/etc'), 'a file, d directory');
  assert.equal(namesOf(root, '/etc/d'), 'new file');
  assert.equal(textOf(root, '/etc/a'), 'new');
});

test('a path through a link of a lower layer is resolved inside the tree', async () => {
  const root = await imageOf(
    [
      { path: 'lib', type: '2', target: 'usr/lib' },
      { path: 'out', type: '2', target: '../../../../etc' },
      { path: 'abs', type: '2', target: '/etc' },
    ],
    [
      { path: 'lib/systemd/system/a.service', content: 'a' },
      { path: 'out/passwd', content: 'p' },
      { path: 'abs/group', content: 'g' },
      { path: '../../etc/shadow', content: 's' },
    ],
  );
  assert.equal(root.readLink('/lib'), 'usr/lib');
  assert.equal(textOf(root, '/usr/lib/systemd/system/a.service'), 'a');
  assert.equal(
    root.readFile('/lib/systemd/system/a.service')?.realPath,
    '/usr/lib/systemd/system/a.service',
  );
  assert.equal(namesOf(root, '/etc'), 'group file, passwd file, shadow file');
});

test('a hard link has the content of its target, including objects of OSTree', async () => {
  const object = 'sysroot/ostree/repo/objects/ab/cd.file';
  const root = await imageOf([
    { path: object, content: 'unit' },
    { path: 'usr/lib/systemd/system/a.service', type: '1', target: object },
    { path: 'etc/b', type: '1', target: './usr/lib/systemd/system/a.service' },
    { path: 'etc/c', type: '1', target: 'nowhere' },
  ]);
  assert.equal(textOf(root, '/usr/lib/systemd/system/a.service'), 'unit');
  assert.equal(textOf(root, '/etc/b'), 'unit');
  assert.equal(
    codeOf(() => root.readFile('/etc/c')),
    'unreadable',
  );
});

test('files without kept content are found, and reading them is an error', async () => {
  const root = await imageOf([
    { path: 'usr/bin/tool', content: 'x' },
    { path: 'etc/large', content: Buffer.alloc(1024 * 1024 + 1) },
    { path: 'usr/lib/systemd/systemd', content: Buffer.alloc(2 * 1024 * 1024, 'y') },
  ]);
  assert.equal(root.lookup('/usr/bin/tool')?.kind, 'file');
  assert.equal(
    codeOf(() => root.readFile('/usr/bin/tool')),
    'unreadable',
  );
  assert.equal(
    codeOf(() => root.readFile('/etc/large')),
    'too-large',
  );
  assert.equal(root.readStart('/usr/lib/systemd/systemd', 20)?.toString(), 'y'.repeat(20));
  assert.equal(root.readStart('/nowhere', 20), undefined);
});

test('long names of GNU and of pax, and sizes of pax', async () => {
  const long = `etc/${'d/'.repeat(60)}file`;
  const root = await imageOf([
    { path: long.replace('file', 'gnu'), content: 'gnu' },
    { path: 'x', type: 'x', content: paxRecord('path', long) + paxRecord('size', '3') },
    { path: 'etc/short', content: 'pax', size: 0 },
    { path: 'x', type: 'x', content: paxRecord('linkpath', long) },
    { path: 'etc/link', type: '2', target: 'etc' },
    { path: 'g', type: 'g', content: paxRecord('path', 'every') },
    { path: 'etc/last', content: 'last' },
  ]);
  assert.equal(textOf(root, `/${long}`), 'pax');
  assert.equal(textOf(root, `/${long.replace('file', 'gnu')}`), 'gnu');
  assert.equal(root.readLink('/etc/link'), long);
  assert.equal(textOf(root, '/etc/last'), 'last');
});

const whole = tar([
  { path: 'etc/a', content: 'a'.repeat(700) },
  { path: `etc/${'n'.repeat(200)}`, content: 'n' },
  { path: 'lib', type: '2', target: 'usr/lib' },
  { path: 'lib/x', type: '1', target: 'etc/a' },
]);

async function errorOf(archive: Buffer): Promise<unknown> {
  try {
    await rootOf(archive);
    return undefined;
  } catch (error) {
    return error;
  }
}

/** From one cut to the next, in bytes, and from one flipped bit to the next: primes, to fall anywhere. */
const [CUT, FLIP] = rounds(1) > 1 ? [61, 37] : [251, 331];

test('an archive cut anywhere is an error or ends between two members', async (t) => {
  limitCpu(t, 60);
  for (let length = seed % CUT; length < whole.length - 1024; length += CUT) {
    const error = await errorOf(whole.subarray(0, length));
    assert.ok(error instanceof TarError || length % 512 === 0, String(length));
  }
});

test('a flipped bit anywhere is an error or a tree', async (t) => {
  limitCpu(t, 60);
  for (let at = seed % FLIP; at < whole.length * 8; at += FLIP) {
    const flipped = Buffer.from(whole);
    flipped[at >> 3] = (flipped[at >> 3] ?? 0) ^ (1 << (at & 7));
    const error = await errorOf(flipped);
    assert.ok(error === undefined || error instanceof TarError || error instanceof RootError);
  }
});

test('huge sizes, link loops and deep trees are errors', async (t) => {
  limitCpu(t, 60);
  const huge = await errorOf(tar([{ path: 'etc/a', size: 0o77777777777 }]));
  assert.ok(huge instanceof TarError);
  const header = await errorOf(tar([{ path: 'x', type: 'x', size: 0o77777777777 }]));
  assert.ok(header instanceof TarError);
  const circle = [
    { path: 'a', type: '2', target: 'b' },
    { path: 'b', type: '2', target: 'a' },
    { path: 'a/x', content: '' },
  ];
  assert.equal(((await errorOf(tar(circle))) as RootError).code, 'too-many-links');
  assert.equal(((await errorOf(tar([{ path: 'd/'.repeat(2000) }]))) as RootError).code, 'too-deep');
});

test('100,000 entries are read; a million and one are refused', async (t) => {
  limitCpu(t, 120);
  async function* entries(count: number) {
    for (let i = 0; i < count; i++) {
      yield {
        path: `usr/share/${i % 1000}/${i}`,
        type: 'file',
        target: '',
        size: 0,
        uid: 0,
        gid: 0,
        mode: 0o644,
        read: async () => Buffer.alloc(0),
      } as const;
    }
  }
  const tree = new LayerTree();
  await tree.apply(entries(100_000));
  assert.equal(new ImageRoot({ tree: tree.root }, '', 'os').list('/usr/share')?.length, 1000);
  await assert.rejects(tree.apply(entries(1_000_000)), { code: 'too-many-entries' });
});
