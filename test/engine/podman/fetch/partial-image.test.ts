import assert from 'node:assert/strict';
import test from 'node:test';
import type { ImageBytes } from '../../../../src/engine/depot.ts';
import { partialImage } from '../../../../src/engine/podman/fetch/partial-image.ts';
import { sha256 } from '../../../../src/image/digest.ts';
import type { Blob, ResolvedImage } from '../../../../src/image/resolved.ts';

const OCI = 'application/vnd.oci.image.layer.v1.tar+gzip';

/** An image of layers of these types, and what reads it. */
function imageWith(config: string, ...types: readonly string[]) {
  const content = Buffer.from(config);
  const layers = types.map((mediaType, i) => ({ mediaType, digest: `sha256:${i}`, size: 1 }));
  const blob: Blob = { mediaType: '', digest: sha256(content), size: content.length };
  const image: ResolvedImage = {
    name: 'h.example/a:1',
    digest: 'sha256:m',
    manifest: 'sha256:m',
    config: blob.digest,
    platform: 'linux/amd64',
    blobs: [blob, ...layers],
  };
  const from: ImageBytes = {
    manifest: () => assert.fail('the manifest is not needed'),
    read: async function* ({ digest }) {
      yield digest === blob.digest ? content : Buffer.from(digest);
    },
  };
  return { image, from };
}

const config = (...diffs: readonly string[]) =>
  JSON.stringify({
    architecture: 'amd64',
    os: 'linux',
    config: { Env: ['SECRET=1'] },
    rootfs: { type: 'layers', diff_ids: diffs },
  });

async function textOf(from: ImageBytes, blob: Blob | undefined): Promise<string> {
  assert.ok(blob !== undefined);
  const chunks: Buffer[] = [];
  for await (const chunk of from.read(blob)) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

test('a partial image has the first layers and nothing else of the other', async () => {
  const docker = 'application/vnd.docker.image.rootfs.diff.tar.gzip';
  const { image, from } = imageWith(config('a', 'b', 'c'), docker, OCI, 'unknown');
  const partial = await partialImage(image, 2, from);
  assert.ok(partial !== undefined);
  const [own, ...layers] = partial.image.blobs;
  assert.deepEqual(layers, [
    { mediaType: OCI, digest: 'sha256:0', size: 1 },
    { mediaType: OCI, digest: 'sha256:1', size: 1 },
  ]);
  const text = await textOf(partial.from, own);
  assert.deepEqual(JSON.parse(text), {
    architecture: 'amd64',
    os: 'linux',
    config: { Labels: { 'berth.partial': image.config } },
    rootfs: { type: 'layers', diff_ids: ['a', 'b'] },
  });
  assert.equal(sha256(Buffer.from(text)), partial.image.config);
  assert.equal(await textOf(partial.from, layers[0]), 'sha256:0');
  const { digest, content } = partial.from.manifest(partial.image.manifest);
  assert.equal(sha256(content), digest);
  assert.deepEqual(JSON.parse(content.toString()).layers, layers);
});

for (const [what, text, ...types] of [
  ['has another number of layers', config('a'), OCI, OCI],
  ['is no JSON', '{', OCI],
  [
    'has a key twice',
    '{"os":"a","os":"linux","architecture":"b","rootfs":{"diff_ids":["a"]}}',
    OCI,
  ],
  ['names no layers', '{"os":"linux","architecture":"amd64"}', OCI],
] as const) {
  test(`there is no partial image of one whose config ${what}`, async () => {
    const { image, from } = imageWith(text, ...types);
    assert.equal(await partialImage(image, 1, from), undefined);
  });
}

test('there is no partial image with a layer that podman may not know', async () => {
  const { image, from } = imageWith(config('a'), 'application/vnd.example.layer');
  assert.equal(await partialImage(image, 1, from), undefined);
});

test('a config that claims to be large is not read', async () => {
  const { image, from } = imageWith(config('a'), OCI);
  const [first, ...layers] = image.blobs;
  assert.ok(first !== undefined);
  const blobs = [{ ...first, size: 5 * 1024 * 1024 }, ...layers];
  const read = () => assert.fail('it is read');
  assert.equal(await partialImage({ ...image, blobs }, 1, { ...from, read }), undefined);
});
