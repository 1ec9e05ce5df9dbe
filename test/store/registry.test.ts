import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { openDepots } from '../../src/store/depot.ts';
import { openStore } from '../../src/store/store.ts';
import { buildImage } from '../support/image-builder.ts';
import { validBlobs, validNames } from '../support/layout-check.ts';
import { request } from '../support/pin-request.ts';
import { client, serve } from '../support/registry-client.ts';
import { fromRegistry } from '../support/source.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const platform = { os: 'linux', architecture: 'amd64' };
const layers = [{ bytes: 3_000_000, seed: 1 }, { files: { 'etc/x': 'hello' } }];

for (const format of ['oci', 'docker'] as const) {
  test(`an image of a registry is fetched over HTTP, and once (${format})`, async (t) => {
    const server = await serve(t);
    const image = buildImage({ layers, platforms: ['linux/arm64', 'linux/amd64'], format });
    server.push('acme/app:1', image);
    const registry = client(t, [server]);
    const directory = join(temporaryDirectory(t), 'store');
    const store = openStore({ directory, registry });
    const resolved = await registry.resolve(`${server.host}/acme/app:1`, platform, {});
    await Promise.all([
      store.fetch(resolved, fromRegistry()),
      store.fetch(resolved, fromRegistry()),
    ]);
    const name = `${server.host}/acme/app@${image.top.digest}`;
    assert.deepEqual(validNames(directory), new Map([[name, resolved.manifest]]));
    assert.equal(validBlobs(directory).size, 2 + resolved.blobs.length);
    const blobs = server.requests.filter(({ path }) => path.includes('/blobs/'));
    assert.equal(blobs.length, resolved.blobs.length);
    server.requests.length = 0;
    await openStore({ directory, registry }).fetch(resolved, fromRegistry());
    assert.deepEqual(server.requests, []);
  });
}

test('the bytes of an image that three engines need come over HTTP once', async (t) => {
  const server = await serve(t);
  server.push('acme/app:1', buildImage({ layers, platforms: ['linux/arm64', 'linux/amd64'] }));
  const resolver = client(t, [server]);
  const image = await resolver.resolve(`${server.host}/acme/app:1`, platform, {});
  server.requests.length = 0;
  // The new client knows none of the documents yet.
  const registry = client(t, [server]);
  const directory = join(temporaryDirectory(t), 'store');
  const depots = openDepots({ directory, registry });
  await Promise.all(
    (['podman', 'podman:app', 'podman:web'] as const).map((engine) =>
      depots
        .forEngine({ engine, serves: () => true })
        .bring({ root: 'os', request: request(image) }, image, image.blobs, fromRegistry(), {}),
    ),
  );
  assert.equal(depots.engines().length, 3);
  const gets = server.requests.filter(({ path }) => /\/(?:blobs|manifests)\//.test(path));
  assert.deepEqual(
    gets.map(({ path }) => path.replace(/.*\//, '')).sort(),
    [image.digest, image.manifest, ...image.blobs.map(({ digest }) => digest)].sort(),
  );
  const bytes = gets.filter(({ path }) => path.includes('/blobs/'));
  assert.equal(
    bytes.reduce((sum, one) => sum + one.bytes, 0),
    image.blobs.reduce((sum, { size }) => sum + size, 0),
  );
});
