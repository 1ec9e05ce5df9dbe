import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keepsArtifacts } from '../../../../src/engine/podman/artifacts/artifacts.ts';
import { withArtifacts } from '../../../../src/engine/podman/artifacts/footprint.ts';
import type { ResolvedImage } from '../../../../src/image/resolved.ts';
import { digestFor } from '../../../support/samples.ts';
import { answer, type Handler, startFakePodman } from '../fake-podman.ts';

for (const [version, expected] of Object.entries({
  '4.3.1': false,
  '5.4.2': false,
  '5.5.9': false,
  '5.6.0': true,
  '5.8.6': true,
  '5.10.0-dev': true,
  '6.1.1': true,
  odd: false,
})) {
  test(`podman ${version} ${expected ? 'keeps' : 'does not keep'} artifacts`, () => {
    assert.equal(keepsArtifacts(version), expected);
  });
}

const name = 'q.io/model:1';
const manifest = digestFor('a');
const layers = [{ digest: digestFor('b'), size: 7, mediaType: 'text/plain' }];

const made = { Id: 'c0ffee', Created: '2026-01-01T00:00:00Z', ImageID: '1', State: 'exited' };

/** A podman whose artifact store lists these names. */
function listing(names: readonly string[], reply: unknown): Handler {
  return (call, response) => {
    const list = names.map((Name) => ({ Name, Manifest: {} }));
    if (call === 'GET /images/json' || call === 'GET /containers/json') answer(response, 200, []);
    else if (call === 'GET /artifacts/json') answer(response, 200, list);
    else if (reply === undefined) answer(response, 404, { message: 'artifact does not exist' });
    else answer(response, 200, reply);
  };
}

test('artifacts are images with the digest of their manifest for an id', async (t) => {
  const names = [name, `q.io/model@${digestFor('c')}`, '', 'q.io/model', 'model', manifest];
  const handle = listing(names, { Digest: manifest, Manifest: { layers } });
  const { engine, calls } = await startFakePodman(t, handle, '5.8.6');
  assert.deepEqual(await engine.images(), [
    {
      id: manifest,
      artifact: true,
      names: [name],
      digests: [`q.io/model@${digestFor('c')}`],
      size: 7,
    },
  ]);
  const inspected = calls.filter((call) => /artifacts\/.+\/json/.test(call));
  assert.equal(inspected.length, 2, 'names that mean nothing to units are not looked at');
});

test('an artifact that goes while it is looked at is not listed', async (t) => {
  const { engine } = await startFakePodman(t, listing([name], undefined), '5.8.6');
  assert.deepEqual(await engine.images(), []);
});

test('a digest that is none is refused', async (t) => {
  const handle = listing([name], { Digest: '../../etc', Manifest: { layers } });
  const { engine } = await startFakePodman(t, handle, '5.8.6');
  await assert.rejects(engine.images(), { code: 'engine-reply' });
});

test('an older podman is not asked for artifacts', async (t) => {
  const { engine, calls } = await startFakePodman(t, listing([name], undefined), '5.4.2');
  assert.equal(engine.keepsArtifacts?.(), false);
  assert.deepEqual(await engine.images(), []);
  assert.equal(await engine.has(manifest), false);
  assert.ok(calls.every((call) => !call.includes('artifacts')));
});

for (const [command, isRemoved] of [
  [['podman', 'run', '--mount', `type=artifact,source=${name},destination=/m`, 'q.io/a:1'], false],
  [['podman', 'run', `--mount=destination=/m,src=${name},type=artifact`, 'q.io/a:1'], false],
  [['podman', 'run', `--mount=type=artifact,src=${name},dst=/m`, 'q.io/a:1'], false],
  [['podman', 'run', '--mount', 'type=artifact,source=q.io/model:2,dst=/m', 'q.io/a:1'], true],
  [['podman', 'run', '--mount', `type=image,source=${name},dst=/m`, 'q.io/a:1'], true],
  [['podman', 'run', name], true],
  [undefined, true],
] as const) {
  const what = command?.slice(2).join(' ') ?? 'no command';
  test(`an artifact ${isRemoved ? 'goes' : 'stays'} beside a container of ${what}`, async (t) => {
    const removed: string[] = [];
    const store = listing([name], { Digest: manifest, Manifest: { layers } });
    const handle: Handler = (call, response, request) => {
      if (call === 'GET /containers/json') answer(response, 200, [made]);
      else if (call === 'GET /containers/c0ffee/json') {
        answer(response, 200, { Config: { CreateCommand: command } });
      } else if (call.startsWith('DELETE')) {
        removed.push(call);
        answer(response, 200, {});
      } else void store(call, response, request);
    };
    const { engine } = await startFakePodman(t, handle, '5.8.6');
    assert.equal(await engine.remove(manifest), isRemoved);
    const expected = `DELETE /artifacts/${encodeURIComponent(name)}`;
    assert.deepEqual(removed, isRemoved ? [expected] : []);
  });
}

test('the files of an artifact are counted as they are, once, beside what images take', () => {
  const [one, two] = [digestFor('1'), digestFor('2')].map((digest) => ({
    mediaType: 'text/plain',
    digest,
    size: 100,
  }));
  assert.ok(one !== undefined && two !== undefined);
  const image = (more: Partial<ResolvedImage>): ResolvedImage => ({
    name,
    digest: manifest,
    manifest,
    config: manifest,
    platform: 'linux/amd64',
    blobs: [one, two],
    ...more,
  });
  const artifact = image({ artifact: true });
  const plain = { lacking: [one], missing: [] };
  const found = withArtifacts(
    [artifact, image({}), artifact],
    { images: [plain], direct: [], fromDepot: [] },
    [{ name: 'q.io/other:1', digest: digestFor('d'), layers: [one] }],
    '/storage',
  );
  const lacks = { lacking: [two], missing: [two] };
  assert.deepEqual(found.images, [lacks, plain, lacks]);
  const use = { directory: '/storage', bytes: 100, stays: 100, files: 4, estimated: false };
  assert.deepEqual(found.direct, [use]);
  assert.deepEqual(found.fromDepot, [use]);
});
