import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { wantedOf } from '../../src/binding/wanted.ts';
import { packed } from '../../src/binding/wanted-message.ts';
import { beginConcealing, withoutConcealed } from '../../src/common/concealed.ts';
import { type WantedRequest, wantedInWorker } from '../../src/host/wanted-in-worker.ts';
import { sha256 } from '../../src/image/digest.ts';
import { hostPlatform } from '../../src/image/platform.ts';
import { openRoot } from '../../src/root/open-root.ts';
import { dockerArchive } from '../support/archives.ts';
import { container, writeRoot } from '../support/berth.ts';
import { buildImage } from '../support/image-builder.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { writeTree } from '../support/tree.ts';

const options = { bind: 'all', compose: [] } as const;
const { signal: never } = new AbortController();

function opened(t: TestContext, files: Readonly<Record<string, string>>) {
  const location = writeRoot(join(temporaryDirectory(t), 'root'), files);
  const root = openRoot(location);
  t.after(() => root.close());
  return root;
}

/** A root with everything that can't simply be passed from one thread to another. */
const files = {
  ...container('creds', 'a.example/creds:1', 'PodmanArgs=--creds=robot:hunter22\n'),
  ...container(
    'file',
    'a.example/file:1',
    'PodmanArgs=--authfile=/etc/auth.json --tls-verify=false\n',
  ),
  ...container('gone', 'a.example/gone:1', 'PodmanArgs=--authfile=/etc/gone.json\n'),
  ...container('tag', 'a.example/tag:${TAG}', '[Service]\nEnvironmentFile=/etc/secret.env\n'),
  'etc/auth.json': '{"auths":{"a.example":{"auth":"cm9ib3Q6aHVudGVyMjI="}}}',
  'usr/lib/berth/store/index.json': '{"schemaVersion":2,"manifests":[]}',
};

test('a worker finds what this thread finds, secrets and shipped images among it', async (t) => {
  const root = opened(t, files);
  writeFileSync(join(root.location, 'etc/secret.env'), 'TAG=hidden-tag\n', { mode: 0o600 });
  const concealing = beginConcealing();
  t.after(() => concealing.end());
  const wanted = await wantedInWorker(root, { options }, never);
  assert.equal(withoutConcealed('a.example/tag:hidden-tag'), 'a.example/tag:${TAG}');
  const here = await wantedOf(root, options);
  assert.equal(here.bindings.length, 4);
  assert.equal(here.problems.length, 1);
  assert.deepEqual(packed(wanted), packed(here));
  const platform = { os: 'linux', architecture: 'amd64' };
  for (const { shipped } of wanted.bindings) {
    assert.ok(shipped);
    assert.equal(shipped.find('a.example/creds:1', platform), undefined);
  }
});

test('a worker hands over the archives that fill engines', async (t) => {
  const location = join(temporaryDirectory(t), 'root');
  const image = buildImage({ layers: [{ bytes: 20_000, seed: 1 }] });
  writeTree(location, {
    'usr/lib/berth/images.d/a.list': 'docker-archive:/usr/share/a.tar\n',
    'usr/share/a.tar': dockerArchive([{ image, names: ['a.example/a:1'] }]),
  });
  const root = openRoot(location);
  t.after(() => root.close());
  const { bindings } = await wantedInWorker(root, { options }, never);
  const shipped = bindings[0]?.shipped;
  const found = shipped?.find('a.example/a:1', hostPlatform());
  assert.ok(shipped !== undefined && found !== undefined);
  assert.equal(sha256(shipped.manifest(found.manifest).content), found.manifest);
  for (const blob of found.blobs) {
    const chunks: Buffer[] = [];
    for await (const chunk of shipped.read(blob)) chunks.push(chunk);
    assert.equal(sha256(Buffer.concat(chunks)), blob.digest);
  }
});

test('a worker opens a deployment as its updater would', async (t) => {
  const directory = temporaryDirectory(t);
  const root = opened(t, container('app', 'a.example/app:1'));
  writeFileSync(join(directory, 'active'), 'a\n');
  const directories = {
    roots: [{ path: root.location, id: 'a' }],
    active: { file: join(directory, 'active') },
  };
  const of = (id: string): Omit<WantedRequest, 'location'> => ({
    deployment: { id, directories },
    options,
  });
  const wanted = await wantedInWorker(root, of('a'), never);
  assert.deepEqual(
    wanted.bindings.map(({ name }) => name),
    ['a.example/app:1'],
  );
  await assert.rejects(wantedInWorker(root, of('b'), never), { code: 'no-deployment' });
});

test('a failure in a worker has the same code as in this thread', async (t) => {
  const root = opened(t, files);
  rmSync(root.location, { recursive: true });
  await assert.rejects(wantedInWorker(root, { options }, never), {
    name: 'BerthError',
    code: 'no-root',
    kind: 'usage',
  });
});

test('a worker ends with the signal', async (t) => {
  const root = opened(t, files);
  const ending = new AbortController();
  const wanted = wantedInWorker(root, { options }, ending.signal);
  ending.abort(new Error('enough'));
  await assert.rejects(wanted, /enough/);
  await assert.rejects(wantedInWorker(root, { options }, ending.signal), /enough/);
});

test('this thread is free for other things while a worker reads', async (t) => {
  const units = Array.from({ length: 1500 }, (_, i) => container(`app${i}`, `a.example/app${i}:1`));
  const root = opened(t, Object.assign({}, ...units));
  // Everything is loaded and compiled before anything is compared.
  await wantedOf(root, options);
  await wantedInWorker(root, { options }, never);
  const here = await processorTime(() => wantedOf(root, options));
  const waiting = await processorTime(() => wantedInWorker(root, { options }, never));
  assert.ok(waiting < here / 2, `${waiting} µs of this thread, ${here} µs where it reads itself`);
});

/** The processor time of this thread in microseconds, which the load of the machine does not affect. */
async function processorTime(work: () => Promise<unknown>): Promise<number> {
  const before = process.threadCpuUsage();
  await work();
  const { user, system } = process.threadCpuUsage(before);
  return user + system;
}
