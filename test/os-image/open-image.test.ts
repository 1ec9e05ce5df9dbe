import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import fc from 'fast-check';
import { discover } from '../../src/discovery/discover.ts';
import { openImage } from '../../src/os-image/open-image.ts';
import type { Registry } from '../../src/registry/registry.ts';
import { openWhenNeeded } from '../../src/registry/when-needed.ts';
import { openRoot } from '../../src/root/open-root.ts';
import type { Root } from '../../src/root/root.ts';
import { type Compression, layeredImage } from '../support/layered-image.ts';
import { writeLayout } from '../support/oci-layout.ts';
import { holds } from '../support/property.ts';
import { type Member, tar } from '../support/tar.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { writeTree } from '../support/tree.ts';

const none = openWhenNeeded(() => assert.fail('no registry is asked'));

function open(spec: string, storeDirectory = '/nowhere', registry: Registry = none): Promise<Root> {
  return openImage(spec, { registry, storeDirectory, nameMeantBy: async (raw) => raw });
}

function oneFile(t: TestContext): { directory: string; digest: string; blob: string } {
  const directory = temporaryDirectory(t);
  const image = layeredImage([{ archive: tar([{ path: 'etc/a', content: 'x'.repeat(5000) }]) }]);
  writeLayout(directory, 'quay.io/acme/os:1', image);
  const digest = [...image.blobs.keys()].at(-1) ?? '';
  return { directory, digest, blob: join(directory, 'blobs/sha256', digest.slice(7)) };
}

test('an image of a layout, by its name, alone, and of the store', async (t) => {
  const { directory } = oneFile(t);
  for (const spec of [`oci:${directory}`, `oci:${directory}:quay.io/acme/os:1`]) {
    const root = await open(`image:${spec}`);
    assert.match(root.location, new RegExp(`^image:${spec}@sha256:[0-9a-f]{64}$`));
    assert.equal(root.readFile('/etc/a')?.content.length, 5000);
  }
  const stored = await open('image:store:quay.io/acme/os:1', directory);
  assert.match(stored.location, /^image:store:quay\.io\/acme\/os:1@sha256:/);
  await assert.rejects(open(`image:oci:${directory}:other`), {
    kind: 'usage',
    message: /"other".*found quay\.io\/acme\/os:1$/,
  });
  await assert.rejects(open('image:oci:/nowhere'), { code: 'os-image', kind: 'usage' });
  await assert.rejects(open('image:'), { code: 'os-image', kind: 'usage' });
});

test('a layer that is missing, another, cut or more is an error that names it', async (t) => {
  const { directory, digest, blob } = oneFile(t);
  const whole = readFileSync(blob);
  const flipped = Buffer.from(whole);
  flipped[flipped.length >> 1] = (flipped[flipped.length >> 1] ?? 0) ^ 1;
  // Changes the time in gzip's header; the content stays the same.
  const another = Buffer.from(whole);
  another[4] = 77;
  const wrong = [
    another,
    whole.subarray(0, 40),
    Buffer.alloc(0),
    flipped,
    Buffer.concat([whole, whole]),
  ];
  for (const content of wrong) {
    writeFileSync(blob, content);
    await assert.rejects(open(`image:oci:${directory}`), (error: Error) => {
      assert.match(error.message, new RegExp(digest));
      return true;
    });
  }
  rmSync(blob);
  await assert.rejects(open(`image:oci:${directory}`), { code: 'os-image', message: /ENOENT/ });
});

test('a layer with the right digest that is no archive is an error that names it', async (t) => {
  for (const compression of ['gzip', 'zstd', 'none'] as const) {
    const directory = temporaryDirectory(t);
    writeLayout(directory, 'x', layeredImage([{ archive: Buffer.alloc(2000, 'x'), compression }]));
    await assert.rejects(open(`image:oci:${directory}`), {
      code: 'os-image',
      message: /in the layer sha256:[0-9a-f]{64}: a header/,
    });
  }
});

const units = 'usr/share/containers/systemd';
const paths = [
  `${units}/a.container`,
  `${units}/b.container`,
  `${units}/a.container.d/10.conf`,
  'etc/containers/systemd/a.container',
  'usr/lib/systemd/system/x.service',
  'lib/systemd/system/x.service',
];
const content = fc
  .tuple(fc.constantFrom('quay.io/acme/a:1', 'short', 'UPPER', 'q.io/b:%a'), fc.boolean())
  .map(([image, more]) => `[Container]\nImage=${image}\n${more ? 'Environment=A=b\n' : ''}`);
const layer = fc.record({
  puts: fc.dictionary(fc.constantFrom(...paths), content, { maxKeys: 4 }),
  whiteouts: fc.subarray(paths),
  opaque: fc.subarray([units, 'etc/containers/systemd']),
  hardLink: fc.boolean(),
  whiteoutsFirst: fc.boolean(),
  compression: fc.constantFrom<Compression>('gzip', 'zstd', 'none'),
});

test('an image says what the directory of the same files says', async (t) => {
  const top = temporaryDirectory(t);
  let number = 0;
  await holds(
    25,
    fc.asyncProperty(fc.array(layer, { minLength: 1, maxLength: 4 }), async (layers) => {
      const files = new Map<string, string>();
      const built = layers.map((one, index) => {
        const base: Member[] = [
          { path: 'etc/', type: '5' },
          { path: 'usr/lib/', type: '5' },
          { path: 'lib', type: '2', target: 'usr/lib' },
        ];
        const members = membersOf(one, files);
        return {
          archive: tar([...(index === 0 ? base : []), ...members]),
          compression: one.compression,
        };
      });
      const directory = join(top, String(number++));
      mkdirSync(join(directory, 'tree/etc'), { recursive: true });
      mkdirSync(join(directory, 'tree/usr/lib'), { recursive: true });
      writeTree(join(directory, 'tree'), { lib: '-> usr/lib', ...Object.fromEntries(files) });
      writeLayout(join(directory, 'layout'), 'x', layeredImage(built));
      const plain = openRoot(join(directory, 'tree'));
      const image = await open(`image:oci:${directory}/layout`);
      assert.deepEqual(await said(image), await said(plain));
      plain.close();
      image.close();
      rmSync(directory, { recursive: true });
    }),
  );
});

/** The layer's members, and the files of the root with the layer. */
function membersOf(
  one: typeof layer extends fc.Arbitrary<infer T> ? T : never,
  files: Map<string, string>,
): Member[] {
  const real = (path: string) => path.replace(/^lib\//, 'usr/lib/');
  const gone = [
    ...one.whiteouts.map((path) => ({ path: path.replace(/[^/]+$/, '.wh.$&') })),
    ...one.opaque.map((path) => ({ path: `${path}/.wh..wh..opq` })),
  ];
  for (const path of one.whiteouts) files.delete(real(path));
  for (const path of one.opaque) {
    for (const file of files.keys()) if (file.startsWith(`${path}/`)) files.delete(file);
  }
  const puts: Member[] = Object.entries(one.puts).map(([path, text]) => ({ path, content: text }));
  for (const [path, text] of Object.entries(one.puts)) files.set(real(path), text);
  const [first] = Object.keys(one.puts);
  if (one.hardLink && first !== undefined) {
    const path = `${units}/linked.container`;
    puts.push({ path, type: '1', target: first });
    files.set(path, files.get(real(first)) ?? '');
  }
  return one.whiteoutsFirst ? [...gone, ...puts] : [...puts, ...gone];
}

async function said(root: Root): Promise<string> {
  const shortNames = { searchRegistries: [], aliases: {} };
  return JSON.stringify(await discover(root, { shortNames, architecture: 'x86-64' }));
}
