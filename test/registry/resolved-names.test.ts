import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { ResolvedNames } from '../../src/registry/manifests/resolved-names.ts';
import { readResolvedNames, writeResolvedNames } from '../../src/state/resolved-names.ts';
import { buildImage } from '../support/image-builder.ts';
import { client, fails, serve } from '../support/registry-client.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const amd64 = { os: 'linux', architecture: 'amd64' };
const arm64 = { os: 'linux', architecture: 'arm64' };
const platforms = ['linux/amd64', 'linux/arm64'];
const image = (seed: number) => buildImage({ layers: [{ bytes: 100, seed }], platforms });

test('a name that has the same digest is asked for by HEAD, in a later run', async (t) => {
  const server = await serve(t);
  server.push('app:1', image(1));
  const names = new ResolvedNames();
  const name = `${server.host}/app:1`;
  const run = () => client(t, [server], { names });
  const asked = () =>
    server.requests.splice(0).map(({ method, path }) => `${method} ${path.split('/').at(-1)}`);
  const registry = run();
  const first = await registry.resolve(name, amd64, {});
  const get = `GET ${first.manifest}`;
  assert.deepEqual(asked(), ['GET 1', get]);
  await registry.resolve(name, amd64, {});
  assert.deepEqual(asked(), ['GET 1', get], 'in the same run it is asked for again');
  assert.deepEqual(await run().resolve(name, amd64, {}), first);
  assert.deepEqual(asked(), ['HEAD 1']);
  // Another platform is another image.
  const other = await run().resolve(name, arm64, {});
  assert.deepEqual(asked(), ['GET 1', `GET ${other.manifest}`]);
  assert.deepEqual(await run().resolve(name, arm64, {}), other);
  assert.deepEqual(asked(), ['HEAD 1']);
  server.push('app:1', image(2));
  const moved = await run().resolve(name, amd64, {});
  assert.equal(moved.digest, image(2).top.digest);
  assert.deepEqual(asked(), ['HEAD 1', 'GET 1', `GET ${moved.manifest}`]);
});

test('a registry that does not know HEAD, or has no image any more, is asked by GET', async (t) => {
  const server = await serve(t);
  server.push('app:1', image(1));
  const names = new ResolvedNames();
  const name = `${server.host}/app:1`;
  const resolve = () => client(t, [server], { names }).resolve(name, amd64, {});
  const first = await resolve();
  for (const headers of [{}, { 'docker-content-digest': 'sha512:1' }]) {
    for (const status of [200, 404, 405]) {
      server.fault = ({ method }) => (method === 'HEAD' ? { status, headers } : undefined);
      assert.deepEqual(await resolve(), first);
    }
  }
  server.fault = () => ({ status: 404 });
  await fails(resolve(), 'not-found');
  // Where nothing can be had it is not asked for twice.
  server.requests.length = 0;
  server.fault = () => ({ status: 503 });
  await fails(resolve(), 'registry-failed');
  assert.equal(server.requests.length, 1);
});

test('what names meant outlives a run in the state directory, for the same berth', (t) => {
  const directory = join(temporaryDirectory(t), 'state');
  const found = {
    name: 'registry.example.com/app:1',
    digest: `sha256:${'1'.repeat(64)}`,
    manifest: `sha256:${'2'.repeat(64)}`,
    config: `sha256:${'3'.repeat(64)}`,
    platform: 'linux/amd64',
    blobs: [{ mediaType: 'application/x', digest: `sha256:${'3'.repeat(64)}`, size: 7 }],
  };
  const names = readResolvedNames(directory);
  assert.deepEqual(names.images, []);
  names.add(found);
  writeResolvedNames(directory, names);
  assert.deepEqual(readResolvedNames(directory).images, [], 'only beside other files of berth');
  mkdirSync(directory);
  writeFileSync(join(directory, 'lock'), '');
  writeResolvedNames(directory, names);
  const again = readResolvedNames(directory);
  assert.deepEqual(again.images, [found]);
  again.add(found);
  assert.equal(again.isChanged, false);
  const path = join(directory, 'names.json');
  const text = readFileSync(path, 'utf8');
  const spoilt = [
    text.replace(/"version":"[^"]*"/, '"version":"0.0.1"'),
    text.replace('app:1', 'App 1'),
    text.replaceAll('sha256:3', 'sha256:../3'),
    text.slice(1),
  ];
  for (const wrong of spoilt) {
    writeFileSync(path, wrong);
    assert.deepEqual(readResolvedNames(directory).images, [], wrong);
  }
  truncateSync(path, 64 * 1024 * 1024 + 1);
  assert.deepEqual(readResolvedNames(directory).images, [], 'larger than any that is read');
});

test('no more than two thousand names are kept', () => {
  const names = new ResolvedNames();
  const digest = `sha256:${'1'.repeat(64)}`;
  const one = (n: number) => ({ name: `q.io/app:${n}`, digest, manifest: digest, config: digest });
  for (let n = 0; n < 2500; n++) names.add({ ...one(n), platform: 'linux/amd64', blobs: [] });
  assert.equal(names.images.length, 2000);
  assert.equal(names.images.at(-1)?.name, 'q.io/app:2499');
});

test('images of very many layers are not remembered, and fill no file', () => {
  const names = new ResolvedNames();
  const digest = `sha256:${'1'.repeat(64)}`;
  const blobs = (count: number) =>
    Array.from({ length: count }, (_, size) => ({ mediaType: 'é'.repeat(20), digest, size }));
  const one = (n: number, layers: number) =>
    names.add({
      name: `q.io/app:${n}`,
      digest,
      manifest: digest,
      config: digest,
      platform: 'linux/amd64',
      blobs: blobs(layers),
    });
  one(0, 1000);
  assert.equal(names.isChanged, false);
  for (let n = 1; n < 2000; n++) one(n, 150);
  const { images } = names;
  assert.ok(images.length > 500 && images.length < 2000, `${images.length}`);
  assert.equal(images.at(-1)?.name, 'q.io/app:1999');
  assert.ok(Buffer.byteLength(JSON.stringify(images)) < 17 * 1024 * 1024);
});
