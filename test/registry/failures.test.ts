import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import test, { type TestContext } from 'node:test';
import { inspect } from 'node:util';
import { gzipSync } from 'node:zlib';
import { BlobProgress } from '../../src/registry/blob-progress.ts';
import type { RegistryErrorCode } from '../../src/registry/errors.ts';
import { TIMEOUTS } from '../../src/registry/http/body.ts';
import { Limits } from '../../src/registry/limits.ts';
import { buildImage } from '../support/image-builder.ts';
import { client, fails, serve, sink } from '../support/registry-client.ts';
import type { Fault } from '../support/registry-fault.ts';

const amd64 = { os: 'linux', architecture: 'amd64' };

/** A registry with an image of one layer, resolved before anything goes wrong. */
async function ready(t: TestContext) {
  const server = await serve(t);
  server.push('acme/app:1', buildImage({ layers: [{ bytes: 300_000, seed: 1 }] }));
  const registry = client(t, [server]);
  const name = `${server.host}/acme/app:1`;
  const image = await registry.resolve(name, amd64, {});
  const layer = image.blobs[1];
  assert.ok(layer);
  const resolve = () => registry.resolve(name, amd64, {});
  const download = (into = sink()) => registry.download(name, layer, {}, into);
  return { server, registry, name, layer, resolve, download };
}

/** A server on loopback that is not a registry; closed when the test ends. */
async function listen(t: TestContext, answer: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    t.after(() => socket.destroy());
    answer(socket.on('error', () => undefined));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return hostOf(server);
}

function hostOf(server: Server): string {
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return `127.0.0.1:${address.port}`;
}

const html = '<html>\u001b[31m'.padEnd(9000, 'x');
const errors = (code: string, message: string) =>
  JSON.stringify({ errors: [{ code, message, detail: 'no more than this' }] });
const answers: readonly (readonly [number, RegistryErrorCode, string, RegExp])[] = [
  [400, 'bad-reply', '', /found 400$/],
  [401, 'unauthorized', errors('UNAUTHORIZED', 'who are you'), /401 \(UNAUTHORIZED: who are you\)/],
  [403, 'forbidden', errors('DENIED', 'not you'), /403 \(DENIED: not you\)/],
  [404, 'not-found', errors('MANIFEST_UNKNOWN', 'gone'), /404 \(MANIFEST_UNKNOWN: gone\)/],
  [429, 'rate-limited', 'slow down', /429 \(slow down\)/],
  [500, 'registry-failed', html, /500 \(<html>\\u\{1b\}\[31mx+…\)$/],
  [503, 'registry-failed', '{"errors":"none"}', /503/],
  [204, 'bad-reply', '', /204/],
  [206, 'bad-reply', 'part', /206/],
  [304, 'bad-reply', '', /304/],
];

for (const [status, code, body, message] of answers) {
  test(`${status} is the error ${code}`, async (t) => {
    const { server, resolve, download } = await ready(t);
    server.fault = () => ({ status, body });
    for (const work of [resolve, download]) {
      const error = await fails(work(), code);
      assert.match(
        error.message,
        /^registry 127\.0\.0\.1:\d+, repository acme\/app: expected the /,
      );
      assert.match(error.message, message);
      assert.ok(error.message.length < 500, 'the message quotes only so much');
    }
  });
}

test('how long to wait is in the hint', async (t) => {
  const { server, resolve } = await ready(t);
  server.fault = () => ({ status: 429, headers: { 'retry-after': '30' } });
  assert.match((await fails(resolve(), 'rate-limited')).hint, /in 30 seconds/);
});

const broken: readonly (readonly [string, Fault, RegistryErrorCode])[] = [
  ['another byte', { kind: 'altered' }, 'digest-mismatch'],
  ['a byte less', { kind: 'truncated', missing: 1 }, 'short-body'],
  ['nothing at all', { kind: 'truncated', missing: Number.MAX_SAFE_INTEGER }, 'short-body'],
  ['a byte more', { kind: 'longer', extra: Buffer.alloc(1) }, 'bad-reply'],
  ['a reset', { kind: 'reset', after: 100_000 }, 'connection-lost'],
  ['a reset at once', { kind: 'reset', after: 0 }, 'connection-lost'],
];

for (const [what, fault, code] of broken) {
  test(`a blob that comes with ${what}: ${code}`, async (t) => {
    const { server, download, layer } = await ready(t);
    server.fault = () => fault;
    assert.match((await fails(download(), code)).message, new RegExp(layer.digest));
    server.fault = undefined;
    const into = sink();
    await download(into);
    assert.equal(into.content().length, layer.size, 'the next try is not disturbed');
  });
}

test('a manifest that comes altered, short or not whole is an error, by tag and by digest', async (t) => {
  const { server, resolve, name } = await ready(t);
  const { digest } = await resolve();
  // Another client, because the one that resolved the image remembers its manifest.
  const fresh = client(t, [server]);
  const works = [resolve, () => fresh.manifest(name, digest, {})];
  for (const work of works) {
    server.fault = () => ({ kind: 'altered' });
    await fails(work(), 'digest-mismatch');
    server.fault = () => ({ kind: 'truncated', missing: 1 });
    await fails(work(), 'digest-mismatch');
    server.fault = () => ({ kind: 'reset', after: 10 });
    await fails(work(), 'connection-lost');
    server.fault = () => ({ kind: 'longer', extra: Buffer.alloc(5_000_000) });
    assert.match((await fails(work(), 'bad-reply')).message, /4194304 bytes/);
  }
});

test('a manifest that says that it is too large is not read', async (t) => {
  const { server, resolve } = await ready(t);
  server.fault = () => ({ status: 200, body: Buffer.alloc(4_194_305) });
  assert.match((await fails(resolve(), 'bad-reply')).message, /4194304 bytes/);
});

test('a body that does not go on ends the wait', async (t) => {
  const { server, registry, name, layer, resolve } = await ready(t);
  t.mock.timers.enable({ apis: ['setTimeout'] });
  server.fault = () => ({ kind: 'stall', after: 1000 });
  const into = { write: async () => void setImmediate(() => t.mock.timers.tick(60_000)) };
  const error = await fails(registry.download(name, layer, {}, into), 'connection-lost');
  assert.match(error.message, /found nothing for 60 seconds$/);
  // A cache may keep its client waiting for the first byte.
  server.fault = () => {
    setImmediate(() => t.mock.timers.tick(600_000));
    return { kind: 'stall', after: 0 };
  };
  assert.match(
    (await fails(resolve(), 'connection-lost')).message,
    /found nothing for 600 seconds$/,
  );
});

test('a body that drips is as good as one that does not go on', async (t) => {
  const { server, layer, name } = await ready(t);
  const timeouts = { ...TIMEOUTS, least: { bytes: 20_000, within: 100 } };
  const registry = client(t, [server], { timeouts });
  server.fault = () => ({ kind: 'slow', bytes: 10, every: 5 });
  const error = await fails(registry.download(name, layer, {}, sink()), 'connection-lost');
  assert.match(error.message, /found [1-9]\d* bytes only for 0\.1 seconds$/);
  const patient = client(t, [server], {
    timeouts: { ...timeouts, least: { bytes: 20_000, within: 1000 } },
  });
  server.fault = () => ({ kind: 'slow', bytes: 30_000, every: 120 });
  await patient.download(name, layer, {}, sink());
});

test('a reply may begin much later than its next bytes may come, and each registry as late as is configured', async (t) => {
  const { server, name } = await ready(t);
  const timeouts = { ...TIMEOUTS, idle: 50, reply: 20_000 };
  server.fault = () => ({ kind: 'late', by: 200 });
  await client(t, [server], { timeouts }).resolve(name, amd64, {});
  const registries = new Map([[server.host, { patience: 50 }]]);
  const hasty = client(t, [server], { timeouts, limits: new Limits({ registries }) });
  const error = await fails(hasty.resolve(name, amd64, {}), 'connection-lost');
  assert.match(error.message, /nothing for 0\.05 seconds/);
});

test('a web page in place of a reply: the portal of a network is named, and no image is to be pushed anew', async (t) => {
  const { server, resolve, download } = await ready(t);
  const page = '\ufeff\n<!DOCTYPE html>\n<html><title>Hotel Wifi</title></html>';
  const headers = { 'content-type': 'text/html; charset=utf-8' };
  for (const [status, code] of [
    [200, 'bad-reply'],
    [403, 'forbidden'],
    [511, 'registry-failed'],
  ] as const) {
    server.fault = () => ({ status, headers, body: page });
    const { hint } = await fails(resolve(), code);
    assert.match(hint, /captive portal.* on the way to 127\.0\.0\.1:\d+$/);
    assert.doesNotMatch(hint, /push/);
    const other = await fails(download(), status === 200 ? 'short-body' : code);
    assert.match(other.hint, /captive portal/);
  }
});

test('a blob that is compressed on the way is the same blob', async (t) => {
  const { server, registry, name, layer, download } = await ready(t);
  const content = sink();
  await download(content);
  const compressed = gzipSync(content.content());
  const headers = { 'content-encoding': 'gzip' };
  server.fault = () => ({ status: 200, headers, body: compressed });
  const into = sink();
  await download(into);
  assert.deepEqual(into.content(), content.content());
  // A store of objects keeps the header of a layer that was compressed before.
  server.fault = () => ({ status: 200, headers, body: content.content() });
  await download();
  // Nor is a part of it a part of the blob.
  const progress = new BlobProgress();
  progress.add(content.content().subarray(0, 1000));
  const range = { 'content-range': `bytes 1000-${layer.size - 1}/${layer.size}` };
  server.fault = (request) =>
    request.range === undefined
      ? { status: 200, headers, body: compressed }
      : { status: 206, headers: { ...headers, ...range }, body: compressed.subarray(1000) };
  const rest = sink();
  await registry.download(name, layer, {}, rest, { progress });
  assert.deepEqual(rest.content(), content.content().subarray(1000));
  server.fault = () => ({ status: 200, headers, body: 'plain' });
  await fails(download(), 'bad-reply');
  server.fault = () => ({ status: 200, headers, body: gzipSync(Buffer.alloc(layer.size + 1)) });
  await fails(download(), 'bad-reply');
  server.fault = () => ({ status: 200, headers, body: compressed.subarray(0, 5000) });
  await fails(download(), 'connection-lost');
});

test('a target that is slow is not a registry that is silent', async (t) => {
  const { registry, name, layer } = await ready(t);
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const content = sink();
  const write = async (chunk: Buffer) => {
    t.mock.timers.tick(600_000);
    await content.write(chunk);
  };
  await registry.download(name, layer, {}, { write });
  assert.equal(content.content().length, layer.size);
});

test('the next piece is read only when the last is written', async (t) => {
  const { download } = await ready(t);
  let writing = 0;
  await download({
    ...sink(),
    write: async () => {
      assert.equal(++writing, 1);
      await new Promise(setImmediate);
      writing--;
    },
  });
});

test('an error of the target is thrown as it is', async (t) => {
  const { download } = await ready(t);
  const full = new Error('no space');
  const write = async () => Promise.reject(full);
  await assert.rejects(download({ ...sink(), write }), full);
});

test('a signal ends a download, with its own reason', async (t) => {
  const { server, registry, name, layer } = await ready(t);
  const reason = new Error('enough');
  const early = AbortSignal.abort(reason);
  await assert.rejects(registry.download(name, layer, {}, sink(), { signal: early }), reason);
  server.fault = () => ({ kind: 'stall', after: 1000 });
  const abort = new AbortController();
  const into = { write: async () => abort.abort(reason) };
  const { signal } = abort;
  await assert.rejects(registry.download(name, layer, {}, into, { signal }), reason);
  const late = new AbortController();
  server.fault = () => {
    late.abort(reason);
    return { kind: 'stall', after: 0 };
  };
  const digest = `sha256:${'1'.repeat(64)}`;
  await assert.rejects(registry.manifest(name, digest, {}, late.signal), reason);
});

test('no connection, and no answer over one', async (t) => {
  const dead = createServer((socket) => socket.destroy());
  dead.listen(0, '127.0.0.1');
  await once(dead, 'listening');
  const host = hostOf(dead);
  const registry = client(t, [{ host }]);
  const resolve = () => registry.resolve(`${host}/app:1`, amd64, {});
  assert.match((await fails(resolve(), 'connection-lost')).message, /repository app/);
  dead.close();
  await once(dead, 'close');
  const error = await fails(resolve(), 'registry-unreachable');
  assert.match(error.message, /ECONNREFUSED/);
  assert.equal(error.kind, 'unreachable');
});

for (const [what, reply, code] of [
  ['another protocol', '220 ready\r\n', 'bad-reply'],
  ['a header that is none', 'HTTP/1.1 200 OK\r\n: \r\n\r\n', 'bad-reply'],
  ['a header without end', `HTTP/1.1 200 OK\r\na: ${'a'.repeat(2_000_000)}`, 'bad-reply'],
  ['a length that is none', 'HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n', 'bad-reply'],
  ['the start of a header', 'HTTP/1.1 200 OK\r\nConte', 'connection-lost'],
  ['nothing', '', 'connection-lost'],
] as const) {
  test(`${what} in place of a reply`, async (t) => {
    const host = await listen(t, (socket) => socket.end(reply));
    const resolve = client(t, [{ host }]).resolve(`${host}/app:1`, amd64, {});
    const { kind } = await fails(resolve, code);
    assert.equal(kind, code === 'bad-reply' ? 'failed' : 'unreachable');
  });
}

test('a server that accepts a connection and sends nothing', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let waits = 30_000;
  const host = await listen(t, (socket) =>
    socket.once('data', () => setImmediate(() => t.mock.timers.tick(waits))),
  );
  const resolve = (insecure: boolean) =>
    client(t, insecure ? [{ host }] : []).resolve(`${host}/app:1`, amd64, {});
  const error = await fails(resolve(false), 'registry-unreachable');
  assert.match(error.message, /nothing for 30 seconds/);
  waits = 600_000;
  assert.match((await fails(resolve(true), 'connection-lost')).message, /nothing for 600 seconds/);
});

test('a kept connection that the registry has closed is opened anew', async (t) => {
  const { server, resolve } = await ready(t);
  server.dropConnections();
  await resolve();
});

test('errors escape what could steer a terminal, and hide queries', async (t) => {
  const { server, resolve } = await ready(t);
  const message = 'see\u202e https://cdn.example/x?Signature=abc&Key=def \u0007now';
  server.fault = () => ({ status: 403, body: errors('DENIED', message) });
  const error = await fails(resolve(), 'forbidden');
  assert.match(error.message, /see\\u\{202e\} https:\/\/cdn\.example\/x\?… \\u\{7\}now/);
  assert.doesNotMatch(inspect(error), /Signature|abc|def/);
});
