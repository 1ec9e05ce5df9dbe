import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { openPodman } from '../../../src/engine/podman/podman.ts';
import { container, startMachine, writeRoot } from '../../support/berth.ts';
import { type FirstBoot, firstBoot } from '../../support/first-boot.ts';
import { buildImage } from '../../support/image-builder.ts';
import { skipPodman, startPodman, type TestPodman } from '../../support/podman.ts';

const platforms = ['linux/amd64', 'linux/arm64'];
const images = {
  'oci:1': buildImage({ layers: [{ bytes: 20_000, seed: 1 }] }),
  'oci-index:1': buildImage({ layers: [{ bytes: 20_000, seed: 2 }], platforms }),
  'docker:1': buildImage({ layers: [{ bytes: 20_000, seed: 3 }], format: 'docker' }),
  'docker-list:1': buildImage({
    layers: [
      { bytes: 3_000_000, seed: 4 },
      { bytes: 20_000, seed: 1 },
    ],
    format: 'docker',
    platforms,
  }),
};
const bind = { 'usr/lib/berth/berth.toml': '[bind]\nmode = "all"\n' };
const STORE = 'usr/lib/berth/store';

interface Lab {
  readonly root: string;
  readonly nameOf: (image: string) => string;
  /** A host with a podman of its own that has never seen a registry. */
  readonly host: () => Promise<FirstBoot & { readonly podman: TestPodman }>;
  /** A podman that may pull. */
  readonly puller: () => Promise<TestPodman>;
  readonly ship: () => Promise<void>;
}

async function startLab(t: TestContext): Promise<Lab> {
  const machine = await startMachine(t);
  const nameOf = (image: string) => `${machine.registry.host}/${image}`;
  const units = Object.entries(images).map(([image, built], i) => {
    machine.registry.push(image, built);
    return container(`unit${i}`, nameOf(image));
  });
  const byDigest = `${nameOf('oci-index')}@${images['oci-index:1'].top.digest}`;
  const root = writeRoot(
    join(machine.directory, 'os'),
    Object.assign({ ...bind }, ...units, container('by-digest', byDigest)) as typeof bind,
  );
  let hosts = 0;
  return {
    root,
    nameOf,
    host: async () => {
      const podman = await startPodman(t);
      const engine = await openPodman({
        user: false,
        pinKey: podman.pinKey,
        environment: podman.environment,
      });
      t.after(() => engine.close());
      return { ...firstBoot(join(machine.directory, `host${hosts++}`), engine), podman };
    },
    puller: () => startPodman(t, { insecure: [machine.registry.host] }),
    ship: async () => {
      const { code, stderr } = await machine.berth('ship', root);
      assert.equal(code, 0, stderr);
    },
  };
}

const format = '{{.Id}} {{.Digest}} {{.RepoTags}} {{.RepoDigests}}';

test('podman knows a shipped image as it knows one that it pulled', {
  skip: skipPodman,
}, async (t) => {
  const lab = await startLab(t);
  await lab.ship();
  const { load, findings, podman } = await lab.host();
  const staged = await load(lab.root);
  assert.deepEqual([staged?.plan.failures, staged?.failures, staged?.findings], [[], [], []]);
  const puller = await lab.puller();
  for (const image of Object.keys(images)) {
    const name = lab.nameOf(image);
    await puller.podman('pull', '--quiet', name);
    const inspect = ['image', 'inspect', '--format', format, name] as const;
    assert.equal(await podman.podman(...inspect), await puller.podman(...inspect), image);
    const created = ['create', '--name=probe', '--pull=never', '--network=none'] as const;
    await podman.podman(...created, name, '/none');
    await podman.podman('rm', 'probe');
  }
  await podman.podman('system', 'prune', '-a', '-f', '--volumes');
  assert.deepEqual(await findings(), []);
});

test('berth loads a layout that skopeo wrote, and skopeo reads one that berth ship wrote', {
  skip: skipPodman,
}, async (t) => {
  const lab = await startLab(t);
  const skopeo = async (...words: string[]) =>
    (await promisify(execFile)('skopeo', ['--insecure-policy', ...words])).stdout;
  const layout = (name: string) => `oci:${join(lab.root, STORE)}:${name}`;
  await lab.ship();
  for (const image of ['oci:1', 'oci-index:1'] as const) {
    const raw = await skopeo('inspect', '--raw', layout(lab.nameOf(image)));
    assert.equal(raw, images[image].manifests[0]?.content.toString());
  }
  rmSync(join(lab.root, STORE), { recursive: true });
  for (const image of Object.keys(images)) {
    const name = lab.nameOf(image);
    const from = `docker://${name}`;
    await skopeo('copy', '--all', '--quiet', '--src-tls-verify=false', from, layout(name));
  }
  const { load, findings } = await lab.host();
  const staged = await load(lab.root);
  assert.deepEqual([staged?.plan.failures, staged?.failures, staged?.findings], [[], [], []]);
  assert.deepEqual(await findings(), []);
});

test('podman’s policy.json has to take the archive too', { skip: skipPodman }, async (t) => {
  const lab = await startLab(t);
  await lab.ship();
  const { load, podman, findings } = await lab.host();
  const takesAll = { '': [{ type: 'insecureAcceptAnything' }] };
  const policy = (transports: object) =>
    writeFileSync(
      join(podman.directory, 'home/.config/containers/policy.json'),
      JSON.stringify({ default: [{ type: 'reject' }], transports }),
    );
  policy({ docker: takesAll });
  const refused = (await load(lab.root))?.failures ?? [];
  assert.equal(refused.length, Object.keys(images).length);
  for (const { error } of refused) assert.match(error.message, /rejected by policy/);
  policy({ docker: takesAll, 'oci-archive': takesAll });
  assert.deepEqual((await load(lab.root))?.failures, []);
  assert.deepEqual(await findings(), []);
});

test('a blob that is cut short: podman gets nothing of that image', {
  skip: skipPodman,
}, async (t) => {
  const lab = await startLab(t);
  await lab.ship();
  const large = images['docker-list:1'].manifests[0];
  const layer = [...images['docker-list:1'].blobs].find(([, { length }]) => length > 2_000_000);
  assert.ok(large !== undefined && layer !== undefined);
  const hex = layer[0].replace('sha256:', '');
  truncateSync(join(lab.root, STORE, 'blobs/sha256', hex), 2_000_000);
  const { load, podman, record } = await lab.host();
  const staged = await load(lab.root);
  const [failure, ...more] = staged?.failures ?? [];
  assert.deepEqual([failure?.error.code, more], ['short-body', []]);
  assert.equal((await record())?.staged, undefined);
  const { code } = await podman.tryPodman('image', 'exists', lab.nameOf('docker-list:1'));
  assert.equal(code, 1);
  assert.deepEqual(
    readdirSync(podman.directory).filter((name) => /oci|libpod-images-load/.test(name)),
    [],
    'no temporary file of podman is left',
  );
});
