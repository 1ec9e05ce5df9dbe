import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { TIMEOUTS } from '../../src/registry/http/body.ts';
import { Limits } from '../../src/registry/limits.ts';
import type { Mirror } from '../../src/registry/registries-toml.ts';
import { buildImage } from '../support/image-builder.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { client, fails, password, serve, sink } from '../support/registry-client.ts';

const amd64 = { os: 'linux', architecture: 'amd64' };
const image = buildImage({ layers: [{ files: { a: 'b' } }] });
const name = 'a.example/app:1';

/** A client for which the servers are the mirrors of `a.example`, the last one its location. */
function mirrored(
  t: TestContext,
  servers: readonly { readonly host: string; readonly use?: Mirror['use'] }[],
  more: { blocked?: boolean } & Parameters<typeof client>[2] = {},
) {
  const { blocked = false, ...options } = more;
  const mirrors = servers
    .slice(0, -1)
    .map(({ host, use = 'all' }) => ({ location: host, insecure: true, use }));
  const location = servers.at(-1)?.host ?? '';
  const rule = { prefix: 'a.example', location, insecure: true, blocked: false, mirrors };
  const own = { ...rule, prefix: location, blocked, mirrors: [] };
  return client(t, [], { conf: { rules: [rule, own] }, ...options });
}

/** The requests for images: a refusal is followed by the question whether the registry wants to know who asks. */
const asked = ({ requests }: TestRegistry) =>
  requests
    .filter(({ path }) => path !== '/v2/')
    .map(({ path, status }) => `${/\/(\w+)\/[^/]*$/.exec(path)?.[1]} ${status}`);

/** A host where nothing listens. */
async function nobody(): Promise<{ readonly host: string }> {
  const server = await startRegistry();
  await server.close();
  return server;
}

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

test('a blob that one endpoint began is continued by the next', async (t) => {
  const mirror = await serve(t);
  const upstream = await serve(t);
  for (const server of [mirror, upstream]) server.push('app:1', image);
  const registry = mirrored(t, [mirror, upstream]);
  const { blobs } = await registry.resolve(name, amd64, {});
  mirror.fault = () => ({ kind: 'cut', after: 10 });
  const into = sink();
  assert.ok(blobs[0]);
  await registry.download(name, blobs[0], {}, into);
  assert.deepEqual(into.content(), image.blobs.get(blobs[0].digest));
  assert.deepEqual(
    upstream.requests.map(({ bytes }) => bytes),
    [blobs[0].size - 10],
  );
});

test('a mirror that is slow is left for the next endpoint, which goes on where it was', async (t) => {
  const large = buildImage({ layers: [{ bytes: 30_000, seed: 1 }] });
  const [mirror, upstream] = [await serve(t), await serve(t)];
  for (const server of [mirror, upstream]) server.push('app:1', large);
  const timeouts = { ...TIMEOUTS, mirror: { bytes: 25_000, within: 50 } };
  const registry = mirrored(t, [mirror, upstream], { timeouts });
  const { blobs } = await registry.resolve(name, amd64, {});
  const layer = blobs.find(({ size }) => size > 25_000) ?? assert.fail('no layer');
  const slow = { kind: 'slow', bytes: 500, every: 10 } as const;
  mirror.fault = () => slow;
  const into = sink();
  await registry.download(name, layer, {}, into);
  assert.deepEqual(into.content(), large.blobs.get(layer.digest));
  assert.ok((upstream.requests[0]?.bytes ?? layer.size) < layer.size, 'only the rest');
  // The next blob is not even requested there.
  const before = mirror.requests.length;
  await registry.download(name, layer, {}, sink());
  assert.equal(mirror.requests.length, before);
  await t.test('but where there is no other endpoint, it is waited for', async () => {
    const alone = mirrored(t, [mirror], { timeouts });
    await alone.download(name, layer, {}, sink());
  });
  await t.test('nor where the others are blocked', async () => {
    const blocked = mirrored(t, [mirror, upstream], { timeouts, blocked: true });
    await blocked.download(name, layer, {}, sink());
  });
});

test('a slow mirror is waited for where no other endpoint has it', async (t) => {
  const large = buildImage({ layers: [{ bytes: 30_000, seed: 1 }] });
  const [mirror, dead, upstream] = [await serve(t), await nobody(), await serve(t)];
  mirror.push('app:1', large);
  const timeouts = { ...TIMEOUTS, reply: 2000, idle: 2000, mirror: { bytes: 25_000, within: 50 } };
  for (const other of [dead, upstream]) {
    const registry = mirrored(t, [mirror, other], { timeouts });
    mirror.fault = undefined;
    const { blobs } = await registry.resolve(name, amd64, {});
    const layer = blobs.find(({ size }) => size > 25_000) ?? assert.fail('no layer');
    mirror.fault = () => ({ kind: 'slow', bytes: 2000, every: 10 });
    const into = sink();
    await registry.download(name, layer, {}, into);
    assert.deepEqual(into.content(), large.blobs.get(layer.digest));
    // A mirror that sends next to nothing counts as silent.
    mirror.fault = () => ({ kind: 'stall', after: 0 });
    mirror.requests.length = 0;
    await fails(
      registry.download(name, layer, {}, sink()),
      other === dead ? 'registry-unreachable' : 'not-found',
    );
    assert.equal(mirror.requests.length, 1);
  }
});

test('wrong bytes are fetched again from the next endpoint, and the first is not asked again', async (t) => {
  const [mirror, upstream] = [await serve(t), await serve(t)];
  for (const server of [mirror, upstream]) server.push('app:1', image);
  const registry = mirrored(t, [mirror, upstream]);
  const { blobs } = await registry.resolve(name, amd64, {});
  const [blob = assert.fail('no blob'), other = blob] = blobs;
  mirror.fault = () => ({ kind: 'altered' });
  mirror.requests.length = 0;
  const into = sink();
  await registry.download(name, blob, {}, into);
  assert.deepEqual(into.content(), image.blobs.get(blob.digest));
  await registry.download(name, other, {}, sink());
  assert.deepEqual([asked(mirror), asked(upstream)], [['blobs 200'], ['blobs 200', 'blobs 200']]);
  await t.test('for what it lied about it is not asked again at all', async () => {
    upstream.fault = () => ({ status: 500 });
    await fails(registry.download(name, blob, {}, sink()), 'registry-failed');
    assert.deepEqual(asked(mirror), ['blobs 200']);
  });
});

test('where the last lies too, it is said who did', async (t) => {
  const [mirror, upstream] = [await serve(t), await serve(t)];
  for (const server of [mirror, upstream]) server.push('app:1', image);
  const registry = mirrored(t, [mirror, upstream]);
  const { blobs } = await registry.resolve(name, amd64, {});
  for (const server of [mirror, upstream]) server.fault = () => ({ kind: 'altered' });
  assert.ok(blobs[0]);
  const error = await fails(registry.download(name, blobs[0], {}, sink()), 'digest-mismatch');
  const lie = ({ host }: TestRegistry) => `registry ${host}, .* hashes to sha256:`;
  assert.match(error.message, new RegExp(`^${lie(upstream)}.*also tried: ${lie(mirror)}`));
  // The last endpoint is not to blame for what the first sent: the whole blob was requested from both.
  assert.deepEqual(
    [mirror, upstream].map(({ requests }) => requests.at(-1)?.bytes),
    [blobs[0].size, blobs[0].size],
  );
});

test('a download that can’t restart fails at the first wrong bytes', async (t) => {
  const [mirror, upstream] = [await serve(t), await serve(t)];
  for (const server of [mirror, upstream]) server.push('app:1', image);
  const registry = mirrored(t, [mirror, upstream]);
  const { blobs } = await registry.resolve(name, amd64, {});
  mirror.fault = () => ({ kind: 'altered' });
  const { write } = sink();
  assert.ok(blobs[0]);
  await fails(registry.download(name, blobs[0], {}, { write }), 'digest-mismatch');
  assert.deepEqual(asked(upstream), []);
});

const stall = () => ({ kind: 'stall', after: 0 }) as const;
const short = { ...TIMEOUTS, reply: 30, idle: 30 };

test('mirrors that stall cost their time once, whatever becomes of the last endpoint', async (t) => {
  const mirrors = [await serve(t), await serve(t), await serve(t)];
  const upstream = await serve(t);
  for (const server of [...mirrors, upstream]) server.push('app:1', image);
  const timeouts = { ...short, reply: 20_000 };
  const registry = mirrored(t, [...mirrors, upstream], { timeouts });
  const { blobs } = await registry.resolve(name, amd64, {});
  for (const mirror of mirrors) {
    mirror.fault = stall;
    mirror.requests.length = 0;
  }
  const [blob = assert.fail('no blob'), other = blob] = blobs;
  upstream.fault = () => ({ status: 404 });
  await fails(registry.download(name, blob, {}, sink()), 'not-found');
  upstream.fault = undefined;
  await registry.download(name, other, {}, sink());
  assert.deepEqual(
    mirrors.map(({ requests }) => requests.length),
    [1, 1, 1],
  );
});

test('a host that is waited for in vain three times in a row is not asked any more', async (t) => {
  const server = await serve(t);
  server.push('app:1', image);
  const registry = mirrored(t, [server], { timeouts: short });
  const ask = () => registry.resolve(name, amd64, {});
  const { blobs } = await ask();
  const [blob = assert.fail('no blob')] = blobs;
  // Parallel waits count once, and a reply ends the row.
  server.fault = stall;
  await Promise.all(Array.from({ length: 5 }, () => fails(ask(), 'connection-lost')));
  await fails(registry.download(name, blob, {}, sink()), 'connection-lost');
  server.fault = undefined;
  await ask();
  server.fault = stall;
  for (let time = 0; time < 3; time++) await fails(ask(), 'connection-lost');
  server.requests.length = 0;
  const error = await fails(ask(), 'registry-unreachable');
  assert.match(error.message, /is not asked now: .* 3 times in a row \(.*nothing for 0\.03/);
  assert.equal(error.kind, 'unreachable');
  assert.deepEqual(server.requests, []);
});

test('a host that sends a megabyte before it stalls does not count as silent', async (t) => {
  const large = buildImage({ layers: [{ bytes: 5_000_000, seed: 1 }] });
  const server = await serve(t);
  server.push('app:1', large);
  const registry = mirrored(t, [server], { timeouts: short });
  const { blobs } = await registry.resolve(name, amd64, {});
  const layer = blobs.find(({ size }) => size > 4_000_000) ?? assert.fail('no layer');
  server.fault = () => ({ kind: 'stall', after: 1_100_000 });
  for (let time = 0; time < 4; time++) {
    await fails(registry.download(name, layer, {}, sink()), 'connection-lost');
  }
});

test('a host that asks to be left alone for long is not asked, not even by later runs', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.parse('2026-01-01T00:00:00Z') });
  const [mirror, upstream] = [await serve(t), await serve(t)];
  for (const server of [mirror, upstream]) server.push('app:1', image);
  const retryTimes = new Map<string, number>();
  const run = () => mirrored(t, [mirror, upstream], { retryTimes });
  const limit = (seconds: number) => () =>
    ({ status: 429, headers: { 'retry-after': String(seconds) } }) as const;
  const registry = run();
  mirror.fault = limit(3600);
  await registry.resolve(name, amd64, {});
  assert.deepEqual([...retryTimes], [[mirror.host, Date.parse('2026-01-01T01:00:00Z')]]);
  upstream.fault = limit(1_000_000);
  const error = await fails(registry.resolve(name, amd64, {}), 'rate-limited');
  assert.match(error.hint, /after 2026-01-12T13:46:40Z/);
  mirror.requests.length = 0;
  upstream.requests.length = 0;
  for (const later of [registry, run()]) {
    const refused = await fails(later.resolve(name, amd64, {}), 'rate-limited');
    assert.match(refused.message, /not asked now: .* before 2026-01-01T01:00:00Z/);
    // No registry is left alone for more than a day.
    assert.match(refused.message, /not asked now: .* before 2026-01-02T00:00:00Z/);
  }
  assert.deepEqual([...mirror.requests, ...upstream.requests], []);
  t.mock.timers.setTime(Date.parse('2026-01-01T01:00:00Z'));
  mirror.fault = undefined;
  await run().resolve(name, amd64, {});
  assert.deepEqual(asked(upstream), []);
});

test('a time more than a day ahead was noted while a clock was wrong', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.parse('2026-01-01T00:00:00Z') });
  const server = await serve(t);
  server.push('app:1', image);
  const at = (text: string) => new Map([[server.host, Date.parse(text)]]);
  for (const noted of ['2035-01-01T00:00:00Z', '2026-01-02T00:00:01Z', '1970-01-01T01:00:00Z']) {
    await mirrored(t, [server], { retryTimes: at(noted) }).resolve(name, amd64, {});
  }
  const registry = mirrored(t, [server], { retryTimes: at('2026-01-01T23:59:59Z') });
  await fails(registry.resolve(name, amd64, {}), 'rate-limited');
  // A date in a reply is wrong by the same clock, here or there.
  server.fault = () => ({
    status: 429,
    headers: { 'retry-after': 'Mon, 01 Jan 2035 00:00:00 GMT' },
  });
  const retryTimes = new Map<string, number>();
  const { retryAfter } = await fails(
    mirrored(t, [server], { retryTimes }).resolve(name, amd64, {}),
    'rate-limited',
  );
  assert.deepEqual([retryAfter, [...retryTimes]], [undefined, []]);
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

test('a short time to be left alone is no reason to remember it', async (t) => {
  const server = await serve(t);
  server.push('app:1', image);
  const retryTimes = new Map<string, number>();
  const registry = mirrored(t, [server], { retryTimes });
  server.fault = () => ({ status: 503, headers: { 'retry-after': '120' } });
  await fails(registry.resolve(name, amd64, {}), 'registry-failed');
  assert.equal(retryTimes.size, 0);
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
