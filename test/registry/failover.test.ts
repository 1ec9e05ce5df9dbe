import assert from 'node:assert/strict';
import test from 'node:test';
import { TIMEOUTS } from '../../src/registry/http/body.ts';
import { Limits } from '../../src/registry/limits.ts';
import { retrying, retryPolicy } from '../../src/registry/retry.ts';
import { buildImage } from '../support/image-builder.ts';
import { client, fails, password, serve, sink } from '../support/registry-client.ts';
import { amd64, asked, image, mirrored, name, nobody } from './mirrored.ts';

for (const [what, fault] of Object.entries({
  'with 404': { status: 404 },
  'with 403': { status: 403 },
  'with 401': { status: 401 },
  'with 429': { status: 429 },
  'with 500': { status: 500 },
})) {
  test(`a mirror that answers ${what} gives way to the next endpoint, for good`, async (t) => {
    const mirror = await serve(t);
    const upstream = await serve(t);
    for (const server of [mirror, upstream]) server.push('app:1', image);
    mirror.fault = () => fault;
    const registry = mirrored(t, [mirror, upstream]);
    const { blobs, digest } = await registry.resolve(name, amd64, {});
    assert.equal(digest, image.top.digest);
    assert.ok(blobs[0]);
    await registry.download(name, blobs[0], {}, sink());
    assert.deepEqual(asked(mirror), [`manifests ${fault.status}`]);
    assert.deepEqual(asked(upstream), ['manifests 200', 'blobs 200']);
  });
}

const page = {
  status: 200,
  headers: { 'content-type': 'text/html' },
  body: '<html>Welcome</html>',
};
const other = buildImage({ layers: [], platforms: ['linux/s390x'] });

for (const [what, fault] of Object.entries({
  'a page for people': page,
  nothing: { status: 200, body: '' },
  'the manifest of another platform': {
    status: 200,
    headers: { 'content-type': other.top.mediaType },
    body: other.top.content,
  },
  'a document that is none': {
    status: 200,
    headers: { 'content-type': image.top.mediaType },
    body: '{',
  },
})) {
  test(`a mirror that answers with ${what} gives way to the next endpoint`, async (t) => {
    const [mirror, upstream] = [await serve(t), await serve(t)];
    const index = buildImage({ layers: [{ files: { a: 'b' } }], platforms: ['linux/amd64'] });
    for (const server of [mirror, upstream]) server.push('app:1', index);
    mirror.fault = () => fault;
    const registry = mirrored(t, [mirror, upstream]);
    const { digest, blobs, manifest } = await registry.resolve(name, amd64, {});
    assert.equal(digest, index.top.digest);
    if (fault.body !== other.top.content) {
      assert.equal((await mirrored(t, [mirror, upstream]).resolveAll(name, {})).digest, digest);
    }
    const again = mirrored(t, [mirror, upstream]);
    assert.equal((await again.manifest(name, manifest, {})).digest, manifest);
    assert.ok(blobs[0]);
    const into = sink();
    await mirrored(t, [mirror, upstream]).download(name, blobs[0], {}, into);
    assert.deepEqual(into.content(), index.blobs.get(blobs[0].digest));
  });
}

test('where no endpoint has the platform, each says which it has', async (t) => {
  const [mirror, upstream] = [await serve(t), await serve(t)];
  mirror.push('app:1', other);
  upstream.push('app:1', buildImage({ layers: [], platforms: ['linux/arm64'] }));
  const registry = mirrored(t, [mirror, upstream]);
  const error = await fails(registry.resolve(name, amd64, {}), 'no-platform');
  assert.match(error.message, /linux\/arm64.*also tried.*linux\/s390x/);
});

test('a mirror that nobody is at gives way, and is asked last from then on', async (t) => {
  const dead = await nobody();
  const second = await serve(t);
  const upstream = await serve(t);
  for (const server of [second, upstream]) server.push('app:1', image);
  second.push('other:1', image);
  const registry = mirrored(t, [dead, second, upstream]);
  await registry.resolve(name, amd64, {});
  await registry.resolve('a.example/other:1', amd64, {});
  assert.deepEqual(asked(second), ['manifests 200', 'manifests 200']);
  assert.deepEqual(asked(upstream), []);
});

test('a mirror with half of an image, or with lies, gives way', async (t) => {
  const mirror = await serve(t);
  const upstream = await serve(t);
  for (const server of [mirror, upstream]) server.push('app:1', image);
  mirror.fault = ({ path }) => (path.includes('/blobs/') ? { status: 404 } : { kind: 'altered' });
  const registry = mirrored(t, [mirror, upstream]);
  const { blobs, digest } = await registry.resolve(name, amd64, {});
  assert.equal(digest, image.top.digest);
  for (const blob of blobs) {
    const into = sink();
    await registry.download(name, blob, {}, into);
    assert.deepEqual(into.content(), image.blobs.get(blob.digest));
  }
});

test('a mirror that does not begin a reply is left for the next, and waited for where none has it', async (t) => {
  const [mirror, upstream] = [await serve(t), await serve(t)];
  for (const server of [mirror, upstream]) server.push('app:1', image);
  const timeouts = { ...TIMEOUTS, mirrorReply: 50, reply: 20_000 };
  const asleep = () => ({ kind: 'late', by: 300 }) as const;
  mirror.fault = asleep;
  const registry = () => mirrored(t, [mirror, upstream], { timeouts });
  await registry().resolve(name, amd64, {});
  assert.equal(asked(upstream).length, 1);
  upstream.fault = () => ({ status: 502 });
  await registry().resolve(name, amd64, {});
  // A patience that is configured is that of a mirror, too.
  upstream.fault = undefined;
  upstream.requests.length = 0;
  const limits = new Limits({ registries: new Map([[mirror.host, { patience: 20_000 }]]) });
  await mirrored(t, [mirror, upstream], { timeouts, limits }).resolve(name, amd64, {});
  assert.deepEqual(asked(upstream), []);
});

test('where all fail, the last says what it is, with what was wrong with the others', async (t) => {
  const dead = await nobody();
  const servers = [await serve(t), await serve(t), await serve(t), await serve(t)] as const;
  for (const server of servers) {
    server.fault = () => ({ status: 500, body: 'x'.repeat(5000) });
  }
  servers[3].fault = () => ({ status: 404 });
  const registry = mirrored(t, [dead, ...servers]);
  const error = await fails(registry.resolve(name, amd64, {}), 'not-found');
  assert.match(error.message, new RegExp(`^registry ${servers[3].host}, .*found 404`));
  assert.match(error.message, new RegExp(`also tried: registry ${dead.host}, .*ECONNREFUSED`));
  assert.match(error.message, /; and 1 more$/);
  assert.ok(error.message.length < 1500, `${error.message.length}`);
});

test('the registry itself says why all failed, also where a mirror was asked after it', async (t) => {
  const [mirror, upstream] = [await serve(t), await serve(t)];
  upstream.push('app:1', image);
  const registry = mirrored(t, [mirror, upstream]);
  await registry.resolve(name, amd64, {});
  upstream.fault = () => ({ status: 503 });
  const error = await fails(registry.resolve(name, amd64, {}), 'registry-failed');
  assert.match(error.message, new RegExp(`^registry ${upstream.host}, .*found 503`));
  assert.match(error.message, new RegExp(`also tried: registry ${mirror.host}, .*found 404`));
  assert.ok(mirror.requests.length > 1, 'the mirror was asked last');
});

test('a mirror that may answer soon is asked again, also where the registry refuses', async (t) => {
  const [mirror, upstream] = [await serve(t), await serve(t)];
  mirror.push('app:1', image);
  upstream.fault = () => ({ status: 403 });
  const faults = [503, 503];
  mirror.fault = ({ path }) => {
    const status = path.includes('/manifests/') ? faults.shift() : undefined;
    return status === undefined ? undefined : { status };
  };
  const told: string[] = [];
  const registry = retrying(mirrored(t, [mirror, upstream]), {
    ...retryPolicy,
    wait: async () => undefined,
    onRetry: ({ code }) => void told.push(code),
  });
  assert.equal((await registry.resolve(name, amd64, {})).manifest, image.top.digest);
  assert.deepEqual(told, ['forbidden', 'forbidden']);
  mirror.fault = () => ({ status: 404 });
  told.length = 0;
  await fails(registry.resolve(`${name}2`, amd64, {}), 'forbidden');
  assert.deepEqual(told, []);
});

test('where the location is blocked, nothing but its mirrors is asked', async (t) => {
  const mirror = await serve(t);
  const upstream = await serve(t);
  for (const server of [mirror, upstream]) server.push('app:1', image);
  const registry = mirrored(t, [mirror, upstream], { blocked: true });
  await registry.resolve(name, amd64, {});
  mirror.fault = () => ({ status: 500 });
  const error = await fails(registry.resolve(name, amd64, {}), 'registry-failed');
  assert.match(error.message, /also tried: .* is blocked by registries\.conf/);
  assert.deepEqual(asked(upstream), []);
  const alone = mirrored(t, [upstream], { blocked: true });
  await fails(alone.resolve(name, amd64, {}), 'blocked');
  assert.deepEqual(asked(upstream), []);
});

test('a tag is looked up at mirrors for tags, and fetched from those for digests', async (t) => {
  const forDigests = await serve(t);
  const forTags = await serve(t);
  const upstream = await serve(t);
  forDigests.push('app:1', image);
  forTags.push('app:1', image);
  const servers = [
    { host: forDigests.host, use: 'digest-only' },
    { host: forTags.host, use: 'tag-only' },
    upstream,
  ] as const;
  const { blobs, digest } = await mirrored(t, servers).resolve(name, amd64, {});
  const registry = mirrored(t, servers);
  await registry.manifest(name, digest, {});
  assert.deepEqual([asked(forDigests), asked(forTags)], [['manifests 200'], ['manifests 200']]);
  // The tag's new image may be nowhere else yet.
  forDigests.fault = () => ({ status: 404 });
  assert.ok(blobs[0]);
  await registry.download(name, blobs[0], {}, sink());
  assert.deepEqual(asked(upstream), ['blobs 404']);
  assert.deepEqual(asked(forTags), ['manifests 200', 'blobs 200']);
  forTags.requests.length = 0;
  await fails(registry.resolve(`a.example/app@${digest}`, amd64, {}), 'not-found');
  assert.deepEqual(asked(forTags), [], 'a digest is not looked up at mirrors for tags');
});

test('a unit’s own credentials don’t go to a mirror at another registry', async (t) => {
  const basic = { username: 'robot', password: 'hunter2-secret' };
  const mirror = await serve(t, { auth: { basic } });
  const upstream = await serve(t, { auth: { basic } });
  for (const server of [mirror, upstream]) server.push('app:1', image);
  const { username, password: secret } = password(basic.username, basic.password);
  const access = { credentials: { kind: 'basic', username, password: secret } } as const;
  const mirrors = [{ location: mirror.host, insecure: true, use: 'all' as const }];
  const rule = { prefix: upstream.host, location: upstream.host, insecure: true, blocked: false };
  const registry = client(t, [], { conf: { rules: [{ ...rule, mirrors }] } });
  await registry.resolve(`${upstream.host}/app:1`, amd64, access);
  assert.ok(mirror.requests.length > 0);
  assert.ok(mirror.requests.every(({ authorization }) => authorization === undefined));
});
