import assert from 'node:assert/strict';
import test from 'node:test';
import { TIMEOUTS } from '../../src/registry/http/body.ts';
import { buildImage } from '../support/image-builder.ts';
import { fails, serve, sink } from '../support/registry-client.ts';
import { amd64, asked, image, mirrored, name } from './mirrored.ts';

const stall = () => ({ kind: 'stall', after: 0 }) as const;
const short = { ...TIMEOUTS, reply: 30, mirrorReply: 30, idle: 30 };

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

test('a short time to be left alone is no reason to remember it', async (t) => {
  const server = await serve(t);
  server.push('app:1', image);
  const retryTimes = new Map<string, number>();
  const registry = mirrored(t, [server], { retryTimes });
  server.fault = () => ({ status: 503, headers: { 'retry-after': '120' } });
  await fails(registry.resolve(name, amd64, {}), 'registry-failed');
  assert.equal(retryTimes.size, 0);
});
