import assert from 'node:assert/strict';
import test from 'node:test';
import { sha256 } from '../../src/image/digest.ts';
import { type BuiltImage, buildImage } from '../support/image-builder.ts';
import { client, fails, serve } from '../support/registry-client.ts';

const layers = [{ bytes: 100, seed: 1 }];

function indexOf(entries: readonly object[]): BuiltImage {
  const mediaType = 'application/vnd.oci.image.index.v1+json';
  const content = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests: entries }));
  const top = { mediaType, digest: sha256(content), content };
  return { top, manifests: [], blobs: new Map() };
}

const entry = (letter: string, platform?: object) => ({
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  digest: `sha256:${letter.repeat(64)}`,
  size: 1,
  ...(platform === undefined ? {} : { platform }),
});

test('an index tells every platform, attestations left out', async (t) => {
  const server = await serve(t);
  const registry = client(t, [server]);
  server.push(
    'app:1',
    indexOf([
      entry('a', { os: 'linux', architecture: 'amd64' }),
      entry('b', { os: 'linux', architecture: 'arm64' }),
      entry('c', { os: 'linux', architecture: 'arm64', variant: 'v8' }),
      entry('d', { os: 'linux', architecture: 'arm', variant: 'v7' }),
      entry('e', { os: 'unknown', architecture: 'unknown' }),
      entry('f'),
    ]),
  );
  const { platforms } = await registry.resolveAll(`${server.host}/app:1`, {});
  assert.deepEqual(
    [...platforms].map(([platform, digest]) => `${platform} ${digest.slice(7, 8)}`),
    ['linux/amd64 a', 'linux/arm64 c', 'linux/arm/v7 d'],
    'each with the entry that would be chosen for it',
  );
});

test('a manifest tells the platform of its config', async (t) => {
  const server = await serve(t);
  const registry = client(t, [server]);
  const image = buildImage({ layers });
  const arm = buildImage({ layers, platforms: ['linux/arm64'] });
  const [manifest] = arm.manifests;
  assert.ok(manifest !== undefined);
  server.push('app:1', { ...arm, top: manifest });
  assert.deepEqual(await registry.resolveAll(`${server.host}/app:1`, {}), {
    digest: manifest.digest,
    platforms: new Map([['linux/arm64', manifest.digest]]),
  });
  const blobs = new Map([...image.blobs].map(([digest]) => [digest, Buffer.from('{}')]));
  server.push('bad:1', { ...image, blobs });
  await fails(registry.resolveAll(`${server.host}/bad:1`, {}), 'digest-mismatch');
});

test('an index of too many entries is refused', async (t) => {
  const server = await serve(t);
  const registry = client(t, [server]);
  const many = Array.from({ length: 501 }, () => entry('a', { os: 'linux', architecture: 'x' }));
  server.push('app:1', indexOf(many));
  await fails(registry.resolveAll(`${server.host}/app:1`, {}), 'bad-reply');
});
