import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { openStore } from '../../src/store/store.ts';
import { validNames } from '../support/layout-check.ts';
import { layer } from '../support/memory-registry.ts';
import { request } from '../support/pin-request.ts';
import { rounds } from '../support/property.ts';
import { fromRegistry } from '../support/source.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { fixture } from './fixture.ts';
import { killAtRandom } from './life.ts';
import { sampleRegistry } from './worker.ts';

const run = promisify(execFile);
const skip = process.env['BERTH_SKIP_PEERS'] === '1' ? 'BERTH_SKIP_PEERS=1' : false;
const own = `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`;

test('skopeo and podman read an image by its tag and by its digest', { skip }, async (t) => {
  // podman derives a name from the layout's path, and accepts no capitals in it.
  const parent = join(tmpdir(), `berth-test-${randomBytes(6).toString('hex')}`);
  t.after(() => rmSync(parent, { recursive: true, force: true }));
  const { store, registry, directory } = fixture(t, parent);
  const [image] = registry.add(
    '127.0.0.1:5000/team_a/app:1.0',
    [layer('base', 40_000), layer('app', 30_000)],
    [own, 'linux/s390x'],
  );
  assert.ok(image);
  await store.fetch(image, fromRegistry());
  await store.pin('r', [request(image)]);
  await store.tag(image.manifest, image.name);
  const podman = ownPodman(t);
  for (const name of [image.name, `127.0.0.1:5000/team_a/app@${image.digest}`]) {
    const { stdout } = await run('skopeo', ['inspect', `oci:${directory}:${name}`]);
    const seen: { Digest: string; Layers: string[] } = JSON.parse(stdout);
    assert.equal(seen.Digest, image.manifest);
    assert.deepEqual(
      seen.Layers,
      image.blobs.slice(1).map(({ digest }) => digest),
    );
    const pulled = await podman('pull', '-q', `oci:${directory}:${name}`);
    assert.equal(pulled.trim(), image.config.replace('sha256:', ''));
    await podman('rmi', pulled.trim());
  }
});

test('an image that skopeo copied into the store is there, and goes when asked', {
  skip,
}, async (t) => {
  const { store, registry, directory } = fixture(t);
  const [a] = registry.add('h.example/a:1', [layer('base', 40_000), layer('a', 3000)], [own]);
  const [b] = registry.add('h.example/b:1', [layer('base', 40_000), layer('b', 3000)], [own]);
  assert.ok(a && b);
  const other = openStore({ directory: join(directory, '..', 'other'), registry });
  await other.fetch(b, fromRegistry());
  await store.fetch(a, fromRegistry());
  const source = `oci:${join(directory, '..', 'other')}:h.example/b@${b.digest}`;
  await skopeoCopy(t, source, `oci:${directory}:h.example/b:1`);
  assert.deepEqual(
    (await store.images()).map(({ id, names }) => [id, names]),
    [
      [a.manifest, []],
      [b.manifest, ['h.example/b:1']],
    ],
  );
  registry.requests.length = 0;
  await store.fetch(b, fromRegistry());
  assert.deepEqual(registry.requests, []);
  assert.equal(await store.remove(b.manifest), true);
  assert.equal(validNames(directory).size, 1);
});

test('after a kill skopeo reads every image of a store', { skip }, async (t) => {
  const parent = temporaryDirectory(t);
  await killAtRandom(
    t,
    rounds(2),
    (name) => join(parent, name),
    async (directory, inner) => {
      const { registry, images } = sampleRegistry();
      for (const name of validNames(directory).keys()) {
        await skopeoCopy(inner, `oci:${directory}:${name}`, `dir:${join(parent, 'copy')}`);
      }
      const store = openStore({ directory, registry });
      for (const image of images) {
        await store.fetch(image, fromRegistry());
        const repository = image.name.replace(/:1$/, '');
        const { stdout } = await run('skopeo', [
          'inspect',
          `oci:${directory}:${repository}@${image.digest}`,
        ]);
        assert.ok(stdout.includes(image.manifest));
      }
    },
  );
});

async function skopeoCopy(t: TestContext, from: string, to: string): Promise<void> {
  await run('skopeo', ['--policy', policyFile(t), 'copy', '-q', from, to]);
}

/** A podman with a store of its own, which never touches the machine's. */
function ownPodman(t: TestContext): (...given: string[]) => Promise<string> {
  const directory = temporaryDirectory(t);
  const at = (name: string) => {
    mkdirSync(join(directory, name), { recursive: true });
    return join(directory, name);
  };
  const places = ['--root', at('root'), '--runroot', at('run'), '--tmpdir', at('tmp')];
  const policy = ['--signature-policy', policyFile(t)];
  return async (...[command = '', ...given]) => {
    const options = command === 'pull' ? policy : [];
    const all = [...places, '--storage-driver', 'vfs', command, ...options, ...given];
    return (await run('podman', all)).stdout;
  };
}

function policyFile(t: TestContext): string {
  const path = join(temporaryDirectory(t), 'policy.json');
  writeFileSync(path, JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] }));
  return path;
}
