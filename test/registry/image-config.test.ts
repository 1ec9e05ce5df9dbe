import assert from 'node:assert/strict';
import test from 'node:test';
import { gunzipSync } from 'node:zlib';
import { sha256 } from '../../src/image/digest.ts';
import { hostPlatform } from '../../src/image/platform.ts';
import { type BuiltImage, buildImage } from '../support/image-builder.ts';
import { trustBy } from '../support/trust.ts';
import { client, fails, serve } from './open.ts';

const image = buildImage({
  layers: [
    { bytes: 100, seed: 1 },
    { bytes: 100, seed: 2 },
  ],
});

/** The image with another config, or with the same one that its manifest says is larger. */
function withConfig(content: Buffer, size = content.length): BuiltImage {
  const manifest = JSON.parse(image.top.content.toString());
  const config = { ...manifest.config, digest: sha256(content), size };
  const text = Buffer.from(JSON.stringify({ ...manifest, config }));
  const top = { ...image.top, digest: sha256(text), content: text };
  return { top, manifests: [top], blobs: new Map([...image.blobs, [config.digest, content]]) };
}

test('a config tells what the layers are unpacked', async (t) => {
  const server = await serve(t);
  const registry = client(t, [server], {
    trust: {
      ...trustBy('reject'),
      policy: () => {
        throw new Error('only what is kept is judged');
      },
    },
  });
  server.push('app:1', image);
  const found = await registry.resolve(`${server.host}/app:1`, hostPlatform(), {});
  const layers = found.blobs.slice(1).map(({ digest }) => image.blobs.get(digest));
  const unpacked = layers.map((layer) => sha256(gunzipSync(layer ?? '')));
  assert.deepEqual(await registry.diffIds(found, {}), unpacked);
});

test('a config that can’t be one is refused, and one too large is not asked for', async (t) => {
  const server = await serve(t);
  const registry = client(t, [server]);
  const digest = `sha256:${'a'.repeat(64)}`;
  const diffIds = (ids: readonly unknown[]) =>
    Buffer.from(JSON.stringify({ rootfs: { diff_ids: ids } }));
  const cases: readonly (readonly [string, BuiltImage])[] = [
    ['no JSON', withConfig(Buffer.from('{'))],
    ['no rootfs', withConfig(Buffer.from('{}'))],
    ['fewer than layers', withConfig(diffIds([digest]))],
    ['more than layers', withConfig(diffIds([digest, digest, digest]))],
    ['no digests', withConfig(diffIds(['../../etc/passwd', digest]))],
    ['too large', withConfig(diffIds([digest, digest]), 5 * 1024 * 1024)],
  ];
  for (const [what, built] of cases) {
    server.push('app:1', built);
    const found = await registry.resolve(`${server.host}/app:1`, hostPlatform(), {});
    const before = server.requests.length;
    await fails(registry.diffIds(found, {}), 'bad-reply');
    assert.equal(server.requests.length - before, what === 'too large' ? 0 : 1, what);
  }
});
