import assert from 'node:assert/strict';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { BerthError } from '../../src/common/errors.ts';
import { withLock } from '../../src/common/process-lock.ts';
import { openDepot } from '../../src/store/depot.ts';
import { layoutAt } from '../../src/store/layout.ts';
import { openStore } from '../../src/store/store.ts';
import { buildImage } from '../support/image-builder.ts';
import { validBlobs } from '../support/layout-check.ts';
import { limitCpu } from '../support/limit-cpu.ts';
import { missingOf } from '../support/missing.ts';
import { request } from '../support/pin-request.ts';
import { client, serve } from '../support/registry-client.ts';
import type { Fault } from '../support/registry-fault.ts';
import { fromRegistry } from '../support/source.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const image = buildImage({ layers: [{ bytes: 4_000_000, seed: 1 }] });
const [digest = '', content = Buffer.alloc(0)] =
  [...image.blobs].find(([, { length }]) => length > 1_000_000) ?? [];
const hex = digest.slice('sha256:'.length);

/** A registry, and a store that each run opens afresh, as a new process would. */
async function start(t: TestContext) {
  const server = await serve(t);
  server.push('app:1', image);
  const registry = client(t, [server]);
  const directory = join(temporaryDirectory(t), 'store');
  const platform = { os: 'linux', architecture: 'amd64' };
  const resolved = await registry.resolve(`${server.host}/app:1`, platform, {});
  const ofLayer = (fault: Fault) => {
    server.fault = ({ path }) => (path.endsWith(digest) ? fault : undefined);
  };
  return {
    server,
    directory,
    registry,
    resolved,
    ofLayer,
    partial: join(directory, 'tmp', `${hex}.partial`),
    fetch: () => openStore({ directory, registry }).fetch(resolved, fromRegistry()),
    missing: async () => {
      const blobs = await missingOf(openStore({ directory, registry }), resolved);
      return blobs.find((blob) => blob.digest === digest)?.size;
    },
    /** The bytes of the layer that arrive from now on. */
    counted: async (work: () => Promise<unknown>) => {
      const from = server.requests.length;
      server.fault = undefined;
      await work();
      return server.requests
        .slice(from)
        .filter(({ path }) => path.endsWith(digest))
        .reduce((sum, { bytes }) => sum + bytes, 0);
    },
  };
}

test('bytes from before the connection broke are kept, and the next run continues behind them', async (t) => {
  const { directory, ofLayer, partial, fetch, missing, counted } = await start(t);
  ofLayer({ kind: 'cut', after: 3_000_000 });
  await assert.rejects(fetch(), { code: 'connection-lost' });
  assert.deepEqual(readdirSync(join(directory, 'tmp')), [`${hex}.partial`]);
  assert.deepEqual(readFileSync(partial), content.subarray(0, 3_000_000));
  assert.ok(!validBlobs(directory).has(digest), 'a part is no blob');
  assert.equal(await missing(), content.length - 3_000_000, 'the plan says what will come');
  assert.equal(await counted(fetch), content.length - 3_000_000);
  assert.ok(validBlobs(directory).has(digest));
  assert.deepEqual(readdirSync(join(directory, 'tmp')), []);
});

test('the partial download of a killed run is continued too', async (t) => {
  const { directory, ofLayer, partial, fetch, counted } = await start(t);
  ofLayer({ kind: 'cut', after: 2_000_000 });
  await assert.rejects(fetch());
  // The file as it is named while a process writes it.
  renameSync(partial, join(directory, 'tmp', `${hex}.0123456789ab`));
  writeFileSync(join(directory, 'tmp', 'index.json.0123456789ab'), 'x'.repeat(100_000));
  assert.equal(await counted(fetch), content.length - 2_000_000);
  assert.deepEqual(readdirSync(join(directory, 'tmp')), []);
});

test('wrong bytes of a mirror are replaced from the next endpoint, in the same file', async (t) => {
  const [mirror, upstream] = [await serve(t), await serve(t)];
  for (const server of [mirror, upstream]) server.push('app:1', image);
  const mirrors = [{ location: mirror.host, insecure: true, use: 'all' as const }];
  const rule = { prefix: 'a.example', location: upstream.host, insecure: true, blocked: false };
  const registry = client(t, [], { conf: { rules: [{ ...rule, mirrors }] } });
  const platform = { os: 'linux', architecture: 'amd64' };
  const resolved = await registry.resolve('a.example/app:1', platform, {});
  const directory = join(temporaryDirectory(t), 'store');
  mirror.fault = ({ path }) => (path.endsWith(digest) ? { kind: 'altered' } : undefined);
  const seen: number[] = [];
  const watch = { onBytes: (bytes: number) => seen.push(bytes) };
  await openStore({ directory, registry }).fetch(resolved, fromRegistry(), watch);
  assert.ok(validBlobs(directory).has(digest));
  assert.deepEqual(readdirSync(join(directory, 'tmp')), []);
  const total = resolved.blobs.reduce((sum, { size }) => sum + size, 0);
  assert.equal(seen.at(-1), total);
  assert.ok(Math.max(...seen) <= total);
});

test('a sweep that waits for its turn does not hold up downloads', async (t) => {
  limitCpu(t, 20);
  const { directory, registry, resolved, server } = await start(t);
  const { inUse } = layoutAt(directory);
  const waits = Promise.withResolvers<void>();
  let sweeping: Promise<void> | undefined;
  server.fault = ({ path }) => {
    if (!path.includes('/manifests/')) return undefined;
    sweeping ??= withLock(inUse, 'exclusive', async () => undefined, {
      onWait: () => waits.resolve(),
    });
    return undefined;
  };
  // The new client knows none of the documents yet.
  const fresh = client(t, [server]);
  const manifest: typeof fresh.manifest = async (...given) => {
    const found = await fresh.manifest(...given);
    await waits.promise;
    return found;
  };
  const depot = openDepot(
    { directory, registry: { ...registry, manifest } },
    { engine: 'podman', serves: () => true },
  );
  await depot.bring({ root: 'os', request: request(resolved) }, resolved, [], fromRegistry(), {});
  await sweeping;
  assert.equal(depot.pins().length, 1);
});

test('a broken download stays until it is continued, whatever else is removed', async (t) => {
  const { directory, registry, resolved, ofLayer, partial, fetch } = await start(t);
  ofLayer({ kind: 'cut', after: 2_000_000 });
  await assert.rejects(fetch());
  const depot = openDepot({ directory, registry }, { engine: 'podman', serves: () => true });
  const hold = { root: 'os', request: request(resolved) };
  await depot.bring(hold, resolved, [], fromRegistry(), {});
  await depot.drop(depot.pins());
  assert.deepEqual(depot.pins(), []);
  assert.equal(statSync(partial).size, 2_000_000);
});

test('somebody who clears the files away that are written is no surprise', async (t) => {
  const { server, directory, ofLayer, fetch } = await start(t);
  ofLayer({ kind: 'cut', after: 2_000_000 });
  const faultOf = server.fault;
  server.fault = (asked) => {
    rmSync(join(directory, 'tmp'), { recursive: true, force: true });
    return faultOf?.(asked);
  };
  await assert.rejects(fetch(), BerthError);
});

for (const [what, bytes] of [
  ['other bytes', Buffer.alloc(1_000_000, 7)],
  ['more than the blob has', Buffer.alloc(content.length + 1, 7)],
  ['as much as the blob has, and other', Buffer.alloc(content.length, 7)],
] as const) {
  test(`a part that is damaged is fetched again from its start: ${what}`, async (t) => {
    const { directory, partial, fetch, counted } = await start(t);
    mkdirSync(join(directory, 'tmp'), { recursive: true });
    writeFileSync(partial, bytes);
    const came = await counted(fetch);
    assert.ok(came >= content.length && came < 2 * content.length, `${came}`);
    assert.ok(validBlobs(directory).has(digest));
    assert.deepEqual(readdirSync(join(directory, 'tmp')), []);
  });
}

test('a part is not kept of what is wrong, nor of next to nothing, nor for ever', async (t) => {
  const { directory, ofLayer, partial, fetch } = await start(t);
  const left = () => readdirSync(join(directory, 'tmp'));
  ofLayer({ kind: 'altered' });
  await assert.rejects(fetch(), { code: 'digest-mismatch' });
  assert.deepEqual(left(), []);
  ofLayer({ kind: 'longer', extra: Buffer.from('x') });
  await assert.rejects(fetch(), { code: 'bad-reply' });
  assert.deepEqual(left(), []);
  ofLayer({ kind: 'cut', after: 1000 });
  await assert.rejects(fetch(), { code: 'connection-lost' });
  assert.deepEqual(left(), []);
  ofLayer({ kind: 'cut', after: 1_000_000 });
  await assert.rejects(fetch(), { code: 'connection-lost' });
  const longAgo = Date.now() / 1000 - 15 * 24 * 60 * 60;
  utimesSync(partial, longAgo, longAgo);
  ofLayer({ status: 500 });
  await assert.rejects(fetch(), { code: 'registry-failed' });
  assert.deepEqual(left(), []);
});
