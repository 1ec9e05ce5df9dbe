import assert from 'node:assert/strict';
import test from 'node:test';
import { TIMEOUTS } from '../../src/registry/http/body.ts';
import { buildImage } from '../support/image-builder.ts';
import type { TestRegistry } from '../support/registry.ts';
import { fails, serve, sink } from '../support/registry-client.ts';
import { amd64, asked, image, mirrored, name, nobody } from './mirrored.ts';

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
