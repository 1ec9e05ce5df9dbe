import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { BlobProgress } from '../../src/registry/blob-progress.ts';
import { retrying, retryPolicy } from '../../src/registry/retry.ts';
import { buildImage } from '../support/image-builder.ts';
import { client, fails, serve, sink } from '../support/registry-client.ts';
import type { Fault } from '../support/registry-fault.ts';

const SIZE = 4 * 1024 * 1024;
const image = buildImage({ layers: [{ bytes: SIZE, seed: 1 }] });
const [digest = '', content = Buffer.alloc(0)] =
  [...image.blobs].find(([, { length }]) => length > SIZE / 2) ?? [];
const layer = { digest, size: content.length, mediaType: 'application/octet-stream' };

/** The bytes that an earlier run has left. */
const HERE = 1_000_000;

/** A registry whose answers to requests for a part are odd, and a download of which a part is here. */
async function start(t: TestContext, toPart: (from: number, time: number) => Fault | undefined) {
  const server = await serve(t);
  server.push('app:1', image);
  let times = 0;
  server.fault = ({ range }) => {
    const [, from] = /^bytes=(\d+)-$/.exec(range ?? '') ?? [];
    return from === undefined ? undefined : toPart(Number(from), ++times);
  };
  const registry = retrying(client(t, [server]), { ...retryPolicy, wait: async () => undefined });
  const download = async (start = content.subarray(0, HERE)) => {
    const progress = new BlobProgress();
    progress.add(start);
    const into = sink();
    await into.write(start);
    await registry.download(`${server.host}/app:1`, layer, {}, into, { progress });
    return into.content();
  };
  const blobs = () => server.requests.filter(({ path }) => path.includes('/blobs/'));
  const ranges = () => blobs().map(({ range = 'whole' }) => range);
  return { server, download, ranges };
}

const part = (from: number, to: number, more: Readonly<Record<string, string>> = {}): Fault => ({
  status: 206,
  headers: { 'content-range': `bytes ${from}-${to - 1}/${layer.size}`, ...more },
  body: content.subarray(from, to),
});

for (const [what, toPart] of [
  ...[400, 403, 404, 405, 410, 412, 416, 451, 501, 505].map(
    (status) => [`${status}`, (): Fault => ({ status })] as const,
  ),
  ['a part from elsewhere', (): Fault => part(HERE + 5, layer.size)],
  [
    'a part of something else',
    (from: number): Fault => ({
      status: 206,
      headers: { 'content-range': `bytes ${from}-${from + 9}/1000000000` },
      body: content.subarray(from, from + 10),
    }),
  ],
  [
    'a part that does not say which',
    (from: number): Fault => ({
      status: 206,
      body: content.subarray(from),
    }),
  ],
  [
    'several parts',
    (): Fault => ({
      status: 206,
      headers: { 'content-type': 'multipart/byteranges; boundary=x' },
      body: '--x',
    }),
  ],
  [
    'a short part that is empty',
    (from: number): Fault => ({
      status: 206,
      headers: { 'content-range': `bytes ${from}-${from}/${layer.size}` },
      body: '',
    }),
  ],
  [
    'the rest as if it were the whole',
    (from: number): Fault => ({
      status: 200,
      body: content.subarray(from),
    }),
  ],
  ['a web page', (): Fault => ({ status: 200, body: '<html>Range?</html>' })],
  [
    'more than there is',
    (from: number): Fault => ({
      status: 206,
      headers: { 'content-range': `bytes ${from}-${layer.size + 9}/${layer.size}` },
      body: Buffer.concat([content.subarray(from), Buffer.alloc(10)]),
    }),
  ],
] as const) {
  test(`a request for a part is answered with ${what}: the whole is asked for at once`, async (t) => {
    const { download, ranges } = await start(t, toPart);
    assert.deepEqual(await download(), content);
    assert.deepEqual(ranges(), [`bytes=${HERE}-`, 'whole']);
  });
}

test('a part that begins earlier is used from where it is new', async (t) => {
  for (const from of [0, HERE - 7]) {
    const { download, ranges } = await start(t, () => part(from, layer.size));
    assert.deepEqual(await download(), content);
    assert.deepEqual(ranges(), [`bytes=${HERE}-`]);
  }
});

test('short parts are progress, as long as each is large', async (t) => {
  const MEGABYTE = 1024 * 1024;
  const { download, ranges } = await start(t, (from) =>
    part(from, Math.min(from + MEGABYTE, layer.size)),
  );
  assert.deepEqual(await download(), content);
  assert.ok(ranges().length >= 3 && !ranges().includes('whole'), ranges().join());
});

test('a registry that sends small parts is asked for the whole', async (t) => {
  const { download, ranges } = await start(t, (from) => part(from, from + 1000));
  assert.deepEqual(await download(), content);
  assert.deepEqual(ranges(), [`bytes=${HERE}-`, 'whole']);
});

for (const [what, fault] of [
  ['500', { status: 500 }],
  ['503', { status: 503 }],
  ['a reset', { kind: 'reset-at-once' }],
] as const) {
  test(`a request for a part ends in ${what}: twice it may be the moment, then the whole is asked for`, async (t) => {
    const { download, ranges } = await start(t, () => fault);
    assert.deepEqual(await download(), content);
    assert.deepEqual(ranges(), [`bytes=${HERE}-`, `bytes=${HERE}-`, 'whole']);
    const passing = await start(t, (_, time) => (time < 2 ? fault : undefined));
    assert.deepEqual(await passing.download(), content);
    assert.deepEqual(passing.ranges(), [`bytes=${HERE}-`, `bytes=${HERE}-`]);
  });
}

test('a part with wrong bytes is found out, and the whole is fetched', async (t) => {
  const { download, ranges } = await start(t, (from) => ({
    status: 206,
    headers: { 'content-range': `bytes ${from}-${layer.size - 1}/${layer.size}` },
    body: Buffer.alloc(layer.size - from),
  }));
  assert.deepEqual(await download(), content);
  assert.deepEqual(ranges(), [`bytes=${HERE}-`, 'whole']);
});

test('a blob that is refused in part and as a whole is refused', async (t) => {
  const { server, download, ranges } = await start(t, () => undefined);
  server.fault = () => ({ status: 403 });
  await fails(download(), 'forbidden');
  assert.deepEqual(ranges(), [`bytes=${HERE}-`, 'whole']);
});
