import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { parseArchiveName } from '../../../src/image/archive-name.ts';
import { hostPlatform } from '../../../src/image/platform.ts';
import { archiveOfOne, onlyImage } from '../../../src/oci/archive/archived-images.ts';
import { checkBlobs } from '../../../src/oci/archive/check-blobs.ts';
import { readArchive } from '../../../src/oci/archive/read-archive.ts';
import { LayoutError } from '../../../src/oci/failure.ts';
import { ImageRoot } from '../../../src/root/image-root.ts';
import { dockerArchive } from '../../support/archives.ts';
import { tar } from '../../support/tar.ts';
import { rootOf, type Tree } from '../../support/tree.ts';
import { changed, damaged, formats, linkedTo, named } from './samples.ts';

/** Reads an archive of a root, checks the image that podman takes from it, and tells the image's names. */
async function names(
  t: TestContext,
  tree: Tree,
  text: string,
): Promise<readonly string[] | string> {
  const root = rootOf(t, { '/etc/hostname': 'x', ...tree });
  const wanted = parseArchiveName(text);
  assert.ok(wanted !== undefined, text);
  try {
    const one = archiveOfOne(await readArchive(root, wanted, 'os'), wanted);
    const image = onlyImage(one, 'localhost/x:1', hostPlatform());
    await checkBlobs(root, one, image);
    return one.images[0]?.names ?? [];
  } catch (error) {
    if (!(error instanceof LayoutError)) throw error;
    assert.ok(error.hint.length > 0);
    return error.message;
  }
}

test('images are read from archives of every format', async (t) => {
  for (const [text, tree, expected] of formats) {
    assert.deepEqual(await names(t, tree, text), expected, text);
  }
});

test('damage of an archive is said with its path', async (t) => {
  for (const [index, [text, tree, expected]] of damaged.entries()) {
    const found = await names(t, tree, text);
    assert.match(String(found), expected, `${index} ${text}`);
    assert.match(String(found), /^\/a/);
  }
});

test('no link of an archive leads out of the archive or the root', async (t) => {
  const outside = changed(/^manifest/, ({ path }) => [
    { path, type: '2', target: '../../../../etc/secret.json' },
  ]);
  const hard = changed(/^manifest/, ({ path }) => [
    { path, type: '1', target: '/etc/secret.json' },
  ]);
  const tree = { '/etc/secret.json': JSON.stringify([]) };
  for (const content of [outside, hard]) {
    const found = await names(t, { ...tree, '/a.tar': content }, 'docker-archive:/a.tar');
    assert.match(String(found), /expected a JSON file, found a (?:hard )?link/);
  }
  const link = await names(t, { '/a.tar': '-> ../../../../etc/passwd' }, 'docker-archive:/a.tar');
  assert.match(String(link), /found nothing/);
});

test('links in archives count for programs that unpack them, as in those of old dockers', async (t) => {
  for (const type of ['1', '2'] as const) {
    const root = rootOf(t, {
      '/etc/hostname': 'x',
      '/a.tar': changed(/\.tar$/, linkedTo(type, 'x/')),
    });
    const loaded = { transport: 'any', path: '/a.tar' } as const;
    await assert.rejects(
      readArchive(root, loaded, 'os'),
      /expected a file, found a (?:hard )?link/,
    );
    const archive = await readArchive(root, { ...loaded, isUnpacked: true }, 'os');
    await checkBlobs(root, archive, onlyImage(archive, 'localhost/x:1', hostPlatform()));
  }
});

test('layers that are compressed in a compressed archive are looked into while it is read', async (t) => {
  const content = gzipSync(dockerArchive([named], 'packed'));
  const root = rootOf(t, { '/etc/hostname': 'x', '/a.tar': content });
  const { places } = await readArchive(root, { transport: 'any', path: '/a.tar' }, 'os');
  const layers = [...places].filter(([, { isPackedLayer }]) => isPackedLayer);
  // A second look would decompress the archive once more for each layer.
  assert.deepEqual(
    layers.map(([digest, place]) => place.content?.sha256 === digest),
    [true, true],
  );
});

test('an archive in a directory that is empty at boot is refused, also behind a link', async (t) => {
  const tree = { '/run/a.tar': dockerArchive([named]), '/var/run': '-> /run' };
  const found = await names(
    t,
    { ...tree, '/usr/a.tar': '-> ../var/run/a.tar' },
    'docker-archive:/usr/a.tar',
  );
  assert.match(String(found), /^\/usr\/a\.tar of the root: expected .* in \/run/);
  const plain = await names(t, { ...tree, '/usr/b': 'x' }, 'docker-archive:/usr/../run/a.tar');
  assert.match(String(plain), /in \/run/);
});

test('an archive of too many files, images or bytes is refused in time', async (t) => {
  const many = tar(Array.from({ length: 20_001 }, (_, index) => ({ path: `${index}` })));
  const items = Array.from({ length: 1001 }, () => ({ Config: 'c.json', Layers: [] }));
  const manyLayers = JSON.stringify([{ Config: 'c', Layers: Array(60_000).fill('l') }]);
  const bomb = gzipSync(tar([{ path: 'x', content: Buffer.alloc(200_000_000) }]));
  const cases: readonly (readonly [Buffer, RegExp])[] = [
    [many, /at most 20000 files/],
    [tar([{ path: 'manifest.json', content: JSON.stringify(items) }]), /at most 1000 images/],
    [
      dockerArchive([{ ...named, names: Array.from({ length: 1001 }, (_, i) => `a:${i}`) }]),
      /1000 names/,
    ],
    [tar([{ path: 'manifest.json', content: manyLayers }]), /at most 50000 layers, found 60000/],
    [bomb, /at most \d+ bytes, decompressed/],
    [tar([{ path: 'manifest.json', content: '{}', size: 8 ** 11 - 1 }]), /the end of the archive/],
  ];
  for (const [content, expected] of cases) {
    assert.match(String(await names(t, { '/a.tar': content }, 'docker-archive:/a.tar')), expected);
  }
});

test('archives of an OS image that is not unpacked are said', async () => {
  const image = new ImageRoot({ tree: undefined }, 'image:q.io/os:1', 'os');
  const read = readArchive(image, { transport: 'docker-archive', path: '/a.tar' }, 'os');
  await assert.rejects(
    read,
    /expected an archive in a tree on this machine, found one in an OS image/,
  );
});
