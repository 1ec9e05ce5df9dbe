import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { promisify } from 'node:util';
import * as v from 'valibot';
import * as schemas from '../../src/documents/schemas.ts';
import { container, type Machine, startMachine, writeRoot } from '../support/berth.ts';
import { type DockerRegistry, runDockerRegistry } from '../support/docker-registry.ts';
import { type BuiltImage, buildImage, type ImageOptions } from '../support/image-builder.ts';
import { writeLayout } from '../support/oci-layout.ts';
import { skipPodman, startPodman, type TestPodman } from '../support/podman.ts';

const platforms = ['linux/amd64', 'linux/arm64'];
const bind = { 'usr/lib/berth/berth.toml': '[bind]\nmode = "all"\n' };
const base = { bytes: 400_000, seed: 1 };

interface Lab {
  readonly machine: Machine;
  readonly registry: DockerRegistry;
  readonly nameOf: (image: string) => string;
  readonly push: (image: string, built: BuiltImage) => Promise<void>;
  /** Runs berth, and fails for another exit code. */
  readonly berth: (code: number, ...words: string[]) => Promise<string>;
  readonly path: (name: string) => string;
}

async function startLab(t: TestContext): Promise<Lab> {
  const machine = await startMachine(t);
  const data = join(machine.directory, 'registry');
  mkdirSync(data);
  const registry = await runDockerRegistry(data, { login: false });
  t.after(registry.stop);
  writeFileSync(
    join(machine.directory, 'registries.conf'),
    `[[registry]]\nlocation = "${registry.host}"\ninsecure = true\n`,
  );
  let layouts = 0;
  const path = (name: string) => join(machine.directory, name);
  return {
    machine,
    registry,
    path,
    nameOf: (image) => `${registry.host}/${image}`,
    push: async (image, built) => {
      const layout = path(`layout${layouts++}`);
      writeLayout(layout, 'it', built);
      const to = `docker://${registry.host}/${image}`;
      await skopeo('copy', '--all', '--quiet', '--dest-tls-verify=false', `oci:${layout}:it`, to);
    },
    berth: async (code, ...words) => {
      const outcome = await machine.berth(...words);
      assert.equal(outcome.code, code, `berth ${words.join(' ')}: ${outcome.stderr}`);
      return outcome.stdout + outcome.stderr;
    },
  };
}

async function skopeo(...words: string[]): Promise<string> {
  return (await promisify(execFile)('skopeo', ['--insecure-policy', ...words])).stdout;
}

function image(seed: number, more: Partial<ImageOptions> = {}): BuiltImage {
  return buildImage({ layers: [base, { bytes: 30_000, seed }], ...more });
}

/** A root with two images, one of them of an index. */
async function firstRoot({ push, nameOf, path }: Lab): Promise<string> {
  await push('web:1', image(2, { platforms }));
  await push('api:1', image(3));
  return writeRoot(path('os'), {
    ...bind,
    ...container('web', nameOf('web:1')),
    ...container('api', nameOf('api:1')),
  });
}

/** The next root: one image is unchanged, the other has a new last layer. */
async function nextRoot({ push, nameOf, path }: Lab): Promise<string> {
  await push('web:2', image(4, { platforms }));
  return writeRoot(path('next'), {
    ...bind,
    ...container('web', nameOf('web:2')),
    ...container('api', nameOf('api:1')),
  });
}

/** Has the machine's berth work with a podman of its own that reaches no registry. */
async function withPodman(t: TestContext, { machine, path }: Lab, state: string) {
  const podman = await startPodman(t);
  machine.environment['CONTAINER_HOST'] = podman.environment['CONTAINER_HOST'];
  machine.environment['BERTH_STATE_DIR'] = path(state);
  return podman;
}

const format = '{{.Id}} {{.Digest}} {{.RepoTags}} {{.RepoDigests}}';

function inspect(podman: TestPodman, name: string): Promise<string> {
  return podman.podman('image', 'inspect', '--format', format, name);
}

function stored(state: string): string[] {
  return readdirSync(join(state, 'store/blobs/sha256'));
}

test('a host without a network is ready from a bundle, on the store', async (t) => {
  const lab = await startLab(t);
  const root = await firstRoot(lab);
  const file = lab.path('site.tar.zst');
  await lab.berth(0, 'bundle', root, '--output', file);
  await lab.berth(0, 'stage', root, '--engine', 'store');
  const online = await lab.machine.berth('status', '--engine', 'store', '--format', 'json');
  await lab.registry.stop();
  lab.machine.environment['BERTH_STATE_DIR'] = lab.path('site');
  await lab.berth(5, 'stage', root, '--engine', 'store');
  await lab.berth(0, 'load', file, '--engine', 'store');
  await lab.berth(0, 'stage', root, '--engine', 'store');
  await lab.berth(0, 'verify', root, '--engine', 'store');
  const offline = await lab.machine.berth('status', '--engine', 'store', '--format', 'json');
  const images = (text: string) => {
    const { roots } = v.parse(schemas.Status, JSON.parse(text));
    return roots.map(({ images }) => images);
  };
  assert.deepEqual(images(offline.stdout), images(online.stdout));
  assert.deepEqual(stored(lab.path('site')).sort(), stored(lab.path('state')).sort());
});

test('podman knows what was loaded as it knows what it pulled; the copy in the store goes', {
  skip: skipPodman,
}, async (t) => {
  const lab = await startLab(t);
  const root = await firstRoot(lab);
  const puller = await startPodman(t, { insecure: [lab.registry.host] });
  const names = ['web:1', 'api:1'].map(lab.nameOf);
  for (const name of names) await puller.podman('pull', '--quiet', name);
  const file = lab.path('site.tar.zst');
  await lab.berth(0, 'bundle', root, '--output', file);
  await lab.registry.stop();
  const podman = await withPodman(t, lab, 'site');
  await lab.berth(5, 'stage', root);
  await lab.berth(0, 'load', file);
  const held = stored(lab.path('site')).length;
  await lab.berth(0, 'stage', root);
  await lab.berth(0, 'verify', root);
  for (const name of names) assert.equal(await inspect(podman, name), await inspect(puller, name));
  assert.equal(held - stored(lab.path('site')).length, 5, 'three layers and two configs');
  // The same names in another tree, for example with another kernel command line.
  const other = writeRoot(lab.path('other'), {
    ...bind,
    ...container('web', lab.nameOf('web:1')),
    ...container('api', lab.nameOf('api:1')),
  });
  await lab.berth(0, 'stage', other);
  await lab.berth(0, 'verify', other);
  // The images are gone from podman, but the meanings of their names are known, and the message says what
  // to do.
  await podman.podman('rmi', '--force', ...names);
  await lab.berth(3, 'verify', root);
  const failed = await lab.berth(1, 'stage', root);
  assert.match(failed, /3 of its blobs are not at hand, .*\n.*load the bundle again/);
  await lab.berth(0, 'load', file);
  await lab.berth(0, 'stage', root);
  await lab.berth(0, 'verify', root);
});

for (const engine of ['store', 'podman'] as const) {
  test(`a bundle of the missing layers is enough, on ${engine}`, {
    skip: engine === 'podman' && skipPodman,
  }, async (t) => {
    const lab = await startLab(t);
    const root = await firstRoot(lab);
    const whole = lab.path('whole.tar.zst');
    await lab.berth(0, 'bundle', root, '--output', whole);
    await lab.berth(0, 'lock', root);
    const next = await nextRoot(lab);
    const parts = ['since-bundle', 'since-lock'].map((name) => lab.path(`${name}.tar.zst`));
    const [part = '', other = ''] = parts;
    await lab.berth(0, 'bundle', next, '--since', whole, '--output', part);
    const lock = join(root, 'usr/lib/berth/lock.json');
    await lab.berth(0, 'bundle', next, '--since', lock, '--output', other);
    assert.deepEqual(readFileSync(part), readFileSync(other));
    assert.ok(readFileSync(part).length < 50_000, 'the base layer is left out');
    await lab.registry.stop();
    if (engine === 'podman') await withPodman(t, lab, 'site');
    else lab.machine.environment['BERTH_STATE_DIR'] = lab.path('site');
    const berth = (code: number, ...words: string[]) =>
      lab.berth(code, ...words, '--engine', engine);
    const refused = await berth(4, 'load', part);
    assert.match(refused, /leaves out 2 layers \(.*\) that this host does not have: sha256:/);
    await berth(5, 'stage', next);
    await berth(0, 'load', whole);
    await berth(0, 'stage', root);
    await berth(0, 'load', part);
    await berth(0, 'stage', next);
    await berth(0, 'verify', next);
    await berth(0, 'verify', root);
  });
}

test('skopeo and podman read a bundle', { skip: skipPodman }, async (t) => {
  const lab = await startLab(t);
  const root = await firstRoot(lab);
  const file = lab.path('site.tar.zst');
  await lab.berth(0, 'bundle', root, '--output', file);
  const podman = await startPodman(t);
  for (const [name, built] of [
    ['web:1', image(2, { platforms })],
    ['api:1', image(3)],
  ] as const) {
    const raw = await skopeo('inspect', '--raw', `oci-archive:${file}:${lab.nameOf(name)}`);
    assert.equal(raw, built.manifests[0]?.content.toString());
    const to = lab.path(`copy-${name}`);
    await skopeo('copy', '--quiet', `oci-archive:${file}:${lab.nameOf(name)}`, `oci:${to}:it`);
    await podman.podman('pull', '--quiet', `oci-archive:${file}:${lab.nameOf(name)}`);
  }
  rmSync(join(root, 'usr/share/containers/systemd/web.container'));
  await lab.berth(0, 'bundle', root, '--output', file);
  const loader = await startPodman(t);
  assert.match(await loader.podman('load', '--input', file), new RegExp(lab.nameOf('api:1')));
});
