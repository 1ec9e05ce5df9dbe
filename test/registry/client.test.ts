import assert from 'node:assert/strict';
import test from 'node:test';
import { gzipSync } from 'node:zlib';
import { sha256 } from '../../src/image/digest.ts';
import { parsePlatform } from '../../src/image/platform.ts';
import { type BuiltImage, buildImage } from '../support/image-builder.ts';
import { policyFilesBy } from '../support/policy-files.ts';
import { testCertificate } from '../support/registry-certificate.ts';
import { client, fails, serve, sink, trustTestCertificate } from '../support/registry-client.ts';

const platform = (text: string) => {
  const parsed = parsePlatform(text);
  assert.ok(parsed);
  return parsed;
};
const amd64 = platform('linux/amd64');
const layers = [{ bytes: 200_000, seed: 1 }, { files: { 'etc/x': 'hello' } }];

const withTop = (image: BuiltImage, mediaType: string, document: unknown): BuiltImage => {
  const content = Buffer.from(typeof document === 'string' ? document : JSON.stringify(document));
  return { ...image, top: { mediaType, digest: sha256(content), content } };
};

for (const format of ['oci', 'docker'] as const) {
  test(`an index leads to the platform’s manifest and blobs (${format})`, async (t) => {
    const server = await serve(t);
    const image = buildImage({ layers, platforms: ['linux/arm64', 'linux/amd64'], format });
    server.push('acme/app:1', image);
    const registry = client(t, [server]);
    const name = `${server.host}/acme/app:1`;
    const resolved = await registry.resolve(name, amd64, {});
    assert.equal(resolved.name, name);
    assert.equal(resolved.digest, image.top.digest);
    assert.equal(resolved.manifest, image.manifests[1]?.digest);
    assert.equal(resolved.platform, 'linux/amd64');
    assert.equal(resolved.blobs[0]?.digest, resolved.config);
    assert.equal(resolved.blobs.length, 3);
    assert.equal(server.requests.length, 2, 'one request for the index, one for the manifest');
    for (const blob of resolved.blobs) {
      const into = sink();
      await registry.download(name, blob, {}, into);
      assert.deepEqual(into.content(), image.blobs.get(blob.digest));
      assert.equal(into.content().length, blob.size);
    }
    const manifest = await registry.manifest(name, resolved.manifest, {});
    assert.equal(manifest.digest, resolved.manifest);
    assert.deepEqual(manifest.content, image.manifests[1]?.content);
    const asked = server.requests.filter(({ path }) => path.includes('/manifests/'));
    assert.equal(asked.length, 2, 'what was resolved is not asked for again');
  });
}

test('a manifest without an index is its own', async (t) => {
  const server = await serve(t);
  const { digest } = server.push('acme/app', buildImage({ layers }));
  const resolved = await client(t, [server]).resolve(`${server.host}/acme/app:latest`, amd64, {});
  assert.equal(resolved.digest, digest);
  assert.equal(resolved.manifest, digest);
});

test('a name with a digest gets just that, though the tag has moved', async (t) => {
  const server = await serve(t);
  const { digest } = server.push('app:1', buildImage({ layers }));
  server.push('app:1', buildImage({ layers: [] }));
  const resolved = await client(t, [server]).resolve(`${server.host}/app@${digest}`, amd64, {});
  assert.equal(resolved.digest, digest);
});

test('an index without the platform says which it has', async (t) => {
  const server = await serve(t);
  server.push('app:1', buildImage({ layers, platforms: ['linux/amd64', 'linux/arm64'] }));
  const resolve = client(t, [server]).resolve(`${server.host}/app:1`, platform('linux/s390x'), {});
  const error = await fails(resolve, 'no-platform');
  assert.match(error.message, /linux\/s390x.*linux\/amd64, linux\/arm64/);
});

test('requests for the location that registries.conf gives, under the name that it had', async (t) => {
  const server = await serve(t);
  const { digest } = server.push('mirror/app:1', buildImage({ layers }));
  const rule = { prefix: 'registry.example.com/acme', location: `${server.host}/mirror` };
  const conf = { rules: [{ ...rule, insecure: true, blocked: false, mirrors: [] }] };
  const name = 'registry.example.com/acme/app:1';
  const resolved = await client(t, [], { conf }).resolve(name, amd64, {});
  assert.equal(resolved.name, name);
  assert.equal(resolved.digest, digest);
});

test('a blocked name is not asked for', async (t) => {
  const server = await serve(t);
  const conf = {
    rules: [
      { prefix: server.host, location: server.host, insecure: true, blocked: true, mirrors: [] },
    ],
  };
  const resolve = client(t, [], { conf }).resolve(`${server.host}/app:1`, amd64, {});
  assert.equal((await fails(resolve, 'blocked')).kind, 'refused');
  assert.equal(server.requests.length, 0);
});

test('TLS with a certificate of nobody: refused, or taken where the unit or the system says so', async (t) => {
  const server = await serve(t, { tls: testCertificate });
  server.push('app:1', buildImage({ layers }));
  const registry = client(t, []);
  const name = `${server.host}/app:1`;
  const error = await fails(registry.resolve(name, amd64, {}), 'registry-unreachable');
  assert.match(error.message, /a self-signed certificate/);
  assert.match(error.hint, /add the CA/);
  await registry.resolve(name, amd64, { tlsVerify: false });
  await fails(registry.resolve(name, amd64, {}), 'registry-unreachable');
  trustTestCertificate(t);
  await client(t, []).resolve(name, amd64, {});
});

test('a registry with TLS is not spoken to without, even where that is allowed', async (t) => {
  const server = await serve(t, { tls: testCertificate });
  server.push('app:1', buildImage({ layers }));
  await client(t, [server]).resolve(`${server.host}/app:1`, amd64, {});
});

test('plain HTTP only where it is allowed', async (t) => {
  const server = await serve(t);
  server.push('app:1', buildImage({ layers }));
  const name = `${server.host}/app:1`;
  const registry = client(t, []);
  await registry.resolve(name, amd64, { tlsVerify: false });
  const error = await fails(registry.resolve(name, amd64, {}), 'registry-unreachable');
  assert.match(error.hint, /insecure = true/);
  const allowed = client(t, [server]);
  await allowed.resolve(name, amd64, {});
  await fails(allowed.resolve(name, amd64, { tlsVerify: true }), 'registry-unreachable');
  assert.equal(server.requests.length, 2);
});

test('an image that the policy does not permit is not downloaded, but may be resolved', async (t) => {
  const server = await serve(t);
  server.push('app:1', buildImage({ layers }));
  const registry = client(t, [server], { policyFiles: policyFilesBy('reject') });
  const name = `${server.host}/app:1`;
  const image = await registry.resolve(name, amd64, {});
  const { blobs, digest } = image;
  const asked = server.requests.length;
  assert.ok(blobs[0]);
  await fails(registry.download(name, blobs[0], {}, sink()), 'policy-rejected');
  await fails(registry.manifest(name, digest, {}), 'policy-rejected');
  await fails(registry.permit(image, {}), 'policy-rejected');
  assert.equal(server.requests.length, asked, 'nothing was asked for');
});

const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const someDigest = `sha256:${'0'.repeat(64)}`;
const descriptor = { mediaType: 'application/x', digest: someDigest, size: 1 };
const whole = { schemaVersion: 2, mediaType: OCI_MANIFEST, config: descriptor, layers: [] };
const wrongManifests: readonly (readonly [string, string, unknown, RegExp])[] = [
  ['not JSON', OCI_MANIFEST, '{"a', /not JSON/],
  ['not an object', OCI_MANIFEST, 'null', /Object/],
  ['another type than it says', OCI_INDEX, whole, /calls itself/],
  ['both manifest and index', OCI_MANIFEST, { ...whole, manifests: [] }, /fields/],
  ['an index by its type only', OCI_INDEX, { schemaVersion: 2, layers: [] }, /fields/],
  ['an unknown type', 'text/html', { schemaVersion: 2 }, /fields/],
  ['no type at all', '', { schemaVersion: 2, config: descriptor, layers: [] }, /fields/],
  [
    'schema 1',
    'application/vnd.docker.distribution.manifest.v1+prettyjws',
    { schemaVersion: 1 },
    /schema 1/,
  ],
  [
    'a digest with a path',
    OCI_MANIFEST,
    { ...whole, layers: [{ ...descriptor, digest: '../x' }] },
    /digest/,
  ],
  ['a size below 0', OCI_MANIFEST, { ...whole, layers: [{ ...descriptor, size: -1 }] }, /size/],
  [
    'a size that is no number of bytes',
    OCI_MANIFEST,
    { ...whole, layers: [{ ...descriptor, size: 1e300 }] },
    /size/,
  ],
];

for (const [what, mediaType, document, message] of wrongManifests) {
  test(`a manifest that is wrong is refused: ${what}`, async (t) => {
    const server = await serve(t);
    server.push('app:1', withTop(buildImage({ layers: [] }), mediaType, document));
    const resolve = client(t, [server]).resolve(`${server.host}/app:1`, amd64, {});
    assert.match((await fails(resolve, 'bad-reply')).message, message);
  });
}

test('an entry for the platform whose digest can’t be checked is refused', async (t) => {
  const server = await serve(t);
  const entry = { ...descriptor, digest: `sha512:${'0'.repeat(128)}`, platform: amd64 };
  const good = { ...entry, digest: someDigest };
  const top = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [entry, good] };
  server.push('app:1', withTop(buildImage({ layers }), OCI_INDEX, top));
  const resolve = client(t, [server]).resolve(`${server.host}/app:1`, amd64, {});
  assert.match((await fails(resolve, 'bad-reply')).message, /a digest of sha256, found "sha512:0+/);
});

test('a digest in the headers that is another one’s does no harm', async (t) => {
  const server = await serve(t);
  const image = buildImage({ layers, platforms: ['linux/amd64'] });
  server.push('app:1', image);
  server.fault = ({ path }) => (path.includes('/manifests/') ? { kind: 'misnamed' } : undefined);
  const { digest } = await client(t, [server]).resolve(`${server.host}/app:1`, amd64, {});
  assert.equal(digest, image.top.digest);
});

test('manifests that come compressed, though nobody asked for that, are read', async (t) => {
  const server = await serve(t);
  const image = buildImage({ layers, platforms: ['linux/amd64'] });
  server.push('app:1', image);
  const zip = (body: Buffer, mediaType: string, encoding = 'gzip') => ({
    status: 200,
    headers: { 'content-type': mediaType, 'content-encoding': encoding },
    body,
  });
  const documents = [image.top, ...image.manifests];
  server.fault = ({ path }) => {
    const found = documents.find(({ digest }) => path.endsWith(digest)) ?? image.top;
    return zip(gzipSync(found.content), found.mediaType, 'GZip');
  };
  const name = `${server.host}/app:1`;
  const { digest } = await client(t, [server]).resolve(name, amd64, {});
  assert.equal(digest, image.top.digest);
  // What is not compressed after all counts as it is.
  server.fault = ({ path }) => {
    const found = documents.find((each) => path.endsWith(each.digest)) ?? image.top;
    return zip(found.content, found.mediaType);
  };
  await client(t, [server]).resolve(name, amd64, {});
  server.fault = () => zip(gzipSync(Buffer.alloc(5_000_000)), OCI_INDEX);
  const error = await fails(client(t, [server]).resolve(name, amd64, {}), 'bad-reply');
  assert.match(error.message, /4194304 bytes/);
});

test('a non-distributable layer comes if the registry has it, and only from there', async (t) => {
  const [server, elsewhere] = [await serve(t), await serve(t)];
  const image = buildImage({ layers });
  elsewhere.push('app:1', image);
  const foreign = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip';
  const document = JSON.parse(image.top.content.toString());
  const own = document.layers.map((layer: { digest: string }) => ({
    ...layer,
    mediaType: foreign,
    urls: [`http://${elsewhere.host}/v2/app/blobs/${layer.digest}`],
  }));
  server.push('app:1', withTop(image, image.top.mediaType, { ...document, layers: own }));
  const name = `${server.host}/app:1`;
  const registry = client(t, [server, elsewhere]);
  const { blobs } = await registry.resolve(name, amd64, {});
  const [, layer = assert.fail('no layer')] = blobs;
  const into = sink();
  await registry.download(name, layer, {}, into);
  assert.deepEqual(into.content(), image.blobs.get(layer.digest));
  server.fault = () => ({ status: 404 });
  const error = await fails(registry.download(name, layer, {}, sink()), 'not-found');
  assert.match(error.message, /a non-distributable layer/);
  assert.deepEqual(elsewhere.requests, []);
});

test('an index in an index is refused', async (t) => {
  const server = await serve(t);
  const image = buildImage({ layers, platforms: ['linux/amd64'] });
  const entry = { ...descriptor, mediaType: OCI_INDEX, digest: image.top.digest, platform: amd64 };
  const top = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [entry] };
  server.push('app:0', image);
  server.push('app:1', withTop(image, OCI_INDEX, top));
  const resolve = client(t, [server]).resolve(`${server.host}/app:1`, amd64, {});
  assert.match((await fails(resolve, 'bad-reply')).message, /another index/);
});
