import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { parseArchiveName } from '../../../src/image/archive-name.ts';
import { sha256 } from '../../../src/image/digest.ts';
import { hostPlatform } from '../../../src/image/platform.ts';
import { archiveOfOne, onlyImage } from '../../../src/oci/archive/archived-images.ts';
import { checkBlobs } from '../../../src/oci/archive/check-blobs.ts';
import { readArchive } from '../../../src/oci/archive/read-archive.ts';
import { LayoutError } from '../../../src/oci/failure.ts';
import { openRoot } from '../../../src/root/open-root.ts';
import { type Archived, dockerArchive, ociArchive } from '../../support/archives.ts';
import { buildImage } from '../../support/image-builder.ts';
import { preparePodman, skipPodman } from '../../support/podman.ts';
import { holds } from '../../support/property.ts';
import { startRegistry } from '../../support/registry.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { type Tree, writeTree } from '../../support/tree.ts';
import { trixieProgram } from '../../support/trixie.ts';
import { damaged, formats } from './samples.ts';

const skopeo = trixieProgram('skopeo');

/** The digest of the manifest that skopeo copies from an archive; undefined if skopeo refuses. */
async function copied(t: TestContext, root: string, text: string): Promise<string | undefined> {
  const home = temporaryDirectory(t);
  const target = join(home, 'copy');
  const source = text.replace(':/', `:${root}/`);
  const words = ['--insecure-policy', '--tmpdir', home, 'copy', '-q', source, `dir:${target}`];
  const { code } = await skopeo(words, { HOME: home, TMPDIR: home });
  return code === 0 ? sha256(readFileSync(join(target, 'manifest.json'))) : undefined;
}

/** The digest of the manifest and that of the config as berth finds them; undefined for damage. */
async function read(directory: string, text: string) {
  const root = openRoot(directory);
  const wanted = parseArchiveName(text);
  assert.ok(wanted !== undefined);
  try {
    const one = archiveOfOne(await readArchive(root, wanted, 'os'), wanted);
    const image = onlyImage(one, 'localhost/x:1', hostPlatform());
    await checkBlobs(root, one, image);
    return image;
  } catch (error) {
    if (error instanceof LayoutError) return undefined;
    throw error;
  } finally {
    root.close();
  }
}

function rootWith(t: TestContext, tree: Tree): string {
  const directory = temporaryDirectory(t);
  writeTree(directory, { '/etc/hostname': 'x', ...tree });
  return directory;
}

test('skopeo 1.18 finds the same images in archives, and refuses the damaged ones', {
  skip: skipPodman,
}, async (t) => {
  for (const [index, [text, tree]] of [...formats, ...damaged].entries()) {
    const root = rootWith(t, tree);
    const found = await read(root, text);
    const label = `${index} ${text}`;
    assert.equal(await copied(t, root, text), found?.manifest, label);
  }
});

/** Small archives, in which most bytes mean something. */
const small: readonly Archived[] = [
  { image: buildImage({ layers: [{ files: { a: 'b' } }] }), names: ['q.io/app:1'] },
];
const archives = {
  'docker-archive:/a.tar': dockerArchive(small),
  'docker-archive:/a.tar.gz': gzipSync(dockerArchive(small)),
  'oci-archive:/a.tar': ociArchive(small),
  'oci-archive:/a.tar.zst': zstdCompressSync(ociArchive(small)),
};

test('skopeo 1.18 and berth agree on archives with a changed byte or a cut end', {
  skip: skipPodman,
}, async (t) => {
  const damage = fc.record({
    text: fc.constantFrom(...(Object.keys(archives) as (keyof typeof archives)[])),
    at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    flip: fc.option(fc.integer({ min: 1, max: 255 }), { nil: undefined }),
  });
  const property = fc.asyncProperty(damage, async ({ text, at, flip }) => {
    const bytes = Buffer.from(archives[text]);
    const place = Math.floor(at * bytes.length);
    bytes[place] = (bytes[place] ?? 0) ^ (flip ?? 0);
    const content = flip === undefined ? bytes.subarray(0, place) : bytes;
    const root = rootWith(t, { [text.replace(/.*:/, '')]: content });
    const found = await read(root, text);
    assert.equal(found?.manifest, await copied(t, root, text), `${text} ${place} ${flip}`);
  });
  await holds(40, property);
});

test('archives that podman and skopeo write are read as podman reads them', {
  skip: skipPodman,
}, async (t) => {
  const directory = temporaryDirectory(t);
  const server = await startRegistry({});
  t.after(() => server.close());
  for (const [name, seed] of [
    ['app:1', 1],
    ['other:1', 2],
  ] as const) {
    server.push(name, buildImage({ layers: [{ bytes: 30_000, seed }, { files: { a: name } }] }));
  }
  const name = `${server.host}/app:1`;
  const podman = preparePodman(join(directory, 'podman'), { insecure: [server.host] });
  t.after(() => podman.stop());
  await podman.podman('pull', '-q', name, `${server.host}/other:1`);
  const root = rootWith(t, {});
  const save = async (format: string, path: string, ...names: string[]) =>
    podman.podman('save', '-q', '--format', format, '-o', join(root, path), ...names);
  await save('docker-archive', 'a.tar', name);
  await save('oci-archive', 'b.tar', name);
  await save('oci-dir', 'c', name);
  await save('docker-dir', 'd', name);
  await podman.podman(
    'save',
    '-q',
    '-m',
    '-o',
    join(root, 'e.tar'),
    name,
    `${server.host}/other:1`,
  );
  for (const target of [
    `docker-archive:${root}/f.tar:${name}`,
    `oci-archive:${root}/g.tar:${name}`,
    `oci:${root}/h:x`,
    `dir:${root}/i`,
  ]) {
    const words = [
      '--insecure-policy',
      'copy',
      '-q',
      '--src-tls-verify=false',
      `docker://${name}`,
      target,
    ];
    const { code, stderr } = await skopeo(words, { HOME: directory, TMPDIR: directory });
    assert.equal(code, 0, stderr);
  }
  writeTree(root, {
    'j.tar': gzipSync(readFileSync(join(root, 'f.tar'))),
    'k.tar': zstdCompressSync(readFileSync(join(root, 'b.tar'))),
  });
  for (const text of [
    'docker-archive:/a.tar',
    'oci-archive:/b.tar',
    'oci:/c',
    'dir:/d',
    `docker-archive:/e.tar:${name}`,
    'docker-archive:/f.tar',
    'oci-archive:/g.tar',
    'oci:/h:x',
    'dir:/i',
    'docker-archive:/j.tar',
    'oci-archive:/k.tar',
  ]) {
    const found = await read(root, text);
    assert.equal(await copied(t, root, text), found?.manifest, text);
    // podman 4.3 takes no compressed archives of docker, and no directory whose name has capitals.
    if (/^(?:oci|dir):|j\.tar/.test(text)) continue;
    await podman.podman('rmi', '-af');
    const pulled = await podman.podman('pull', '-q', text.replace(':/', `:${root}/`));
    assert.equal(`sha256:${pulled}`, found?.config, text);
  }
});
