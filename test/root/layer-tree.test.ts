import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TarError } from '../../src/common/tar/error.ts';
import { paxRecords } from '../../src/common/tar/pax-records.ts';
import type { TarEntry } from '../../src/common/tar/read.ts';
import { ImageRoot } from '../../src/root/image-root.ts';
import { LayerTree } from '../../src/root/layer-tree.ts';
import { RootError } from '../../src/root/root.ts';
import { limitCpu } from '../support/limit-cpu.ts';

function entry(path: string, type: TarEntry['type'], more: Partial<TarEntry> = {}): TarEntry {
  const owner = { uid: 0, gid: 0, mode: 0o755 };
  return { path, type, target: '', size: 0, ...owner, read: async () => Buffer.alloc(0), ...more };
}

function file(path: string, content: Buffer): TarEntry {
  return entry(path, 'file', { size: content.length, read: async () => content });
}

async function* layer(entries: Iterable<TarEntry>): AsyncGenerator<TarEntry> {
  yield* entries;
}

test('a path or link longer than PATH_MAX is an error', async () => {
  for (const hostile of [
    entry('a'.repeat(5000), 'file'),
    entry('l', 'link', { target: './'.repeat(500_000) }),
  ]) {
    await assert.rejects(new LayerTree().apply(layer([hostile])), RootError);
  }
});

test('links in circles come to an end', async (t) => {
  limitCpu(t, 60);
  const target = './'.repeat(2000);
  function* hostile() {
    yield entry('d', 'directory');
    yield entry('l', 'link', { target: `${target}d` });
    for (let at = 0; at < 200_000; at++) yield entry(`${'l/../'.repeat(30)}l/f${at}`, 'file');
  }
  await assert.rejects(new LayerTree().apply(layer(hostile())), RootError);
});

test('replaced and removed files free their space', async () => {
  const tree = new LayerTree();
  const megabyte = Buffer.alloc(1024 * 1024, 'x');
  for (let at = 0; at < 80; at++) await tree.apply(layer([file('etc/same', megabyte)]));
  for (let at = 0; at < 80; at++) {
    await tree.apply(layer([file(`etc/d${at}/f`, megabyte)]));
    await tree.apply(layer([entry(`etc/.wh.d${at}`, 'file')]));
  }
  await tree.apply(layer([file('etc/last', megabyte)]));
  const root = new ImageRoot({ tree: tree.root }, 'image:x', 'os');
  assert.equal(root.readFile('/etc/last')?.content.length, megabyte.length);
  assert.equal(root.lookup('/etc/d1'), undefined);
});

test('a malformed extended header is refused, and an empty value removes a key', () => {
  for (const bad of ['x', '99 path=a\n', '0 path=a\n', '11 size=-1\n', '12 size=abc\n']) {
    assert.throws(() => paxRecords(Buffer.from(bad)), TarError, bad);
  }
  assert.deepEqual(paxRecords(Buffer.from('10 path=a\n8 path=\n')), {});
  assert.deepEqual(paxRecords(Buffer.from('10 path=a\n11 size=12\n')), { path: 'a', size: 12 });
});

test('whiteouts of a whole directory leave what comes with their layer', async () => {
  function* hostile(count: number) {
    for (let at = 0; at < count; at++) yield entry(`d/e/f${at}`, 'file');
    for (let at = 0; at < count; at++)
      yield entry(`${at % 2 === 0 ? 'd' : 'd/e'}/.wh..wh..opq`, 'file');
  }
  const tree = new LayerTree();
  await tree.apply(layer(hostile(100)));
  await tree.apply(layer([entry('d/e/g', 'file'), ...hostile(100)].slice(0, 3)));
  await tree.apply(layer([entry('d/.wh..wh..opq', 'file'), entry('d/e/h', 'file')]));
  const root = new ImageRoot({ tree: tree.root }, 'image:x', 'os');
  assert.deepEqual(
    root.list('/d/e')?.map(({ name }) => name),
    ['h'],
  );
});

test('small files take of the space what they cost in memory', async () => {
  const tree = new LayerTree();
  const count = 100_000;
  function* many() {
    for (let at = 0; at < count; at++) yield file(`etc/d${at % 100}/f${at}`, Buffer.from('x'));
  }
  await tree.apply(layer(many()));
  const root = new ImageRoot({ tree: tree.root }, 'image:x', 'os');
  assert.equal(root.readFile('/etc/d0/f0')?.content.toString(), 'x');
  assert.throws(() => root.readFile(`/etc/d99/f${count - 1}`), RootError);
});
