import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { openPodman } from '../../../src/engine/podman/podman.ts';
import { isForHost } from '../../../src/engine/serves.ts';
import { loadShipped } from '../../../src/lifecycle/boot/load-shipped.ts';
import type { Registry } from '../../../src/registry/registry.ts';
import { openRoot } from '../../../src/root/open-root.ts';
import { State } from '../../../src/state/state.ts';
import { openDepot } from '../../../src/store/depot.ts';
import { container, type Outcome, writeRoot } from '../../support/berth.ts';
import { theOnly } from '../../support/engines.ts';
import { type BuiltImage, buildImage, type ImageOptions } from '../../support/image-builder.ts';
import { skipPodman } from '../../support/podman.ts';
import { type PodmanLab, startPodmanLab } from '../../support/podman-lab.ts';
import type { TestRegistry } from '../../support/registry.ts';

const host = 'registry.example.com';
const platforms = ['linux/amd64', 'linux/arm64'];
const base = { bytes: 200_000, seed: 1 };
const image = (seed: number, more: Partial<ImageOptions> = {}) =>
  buildImage({ layers: [base, { bytes: 50_000, seed }], entrypoint: ['/bin/entry'], ...more });
const all = ['--bind', 'all', '--id', 'os'];

test('first the blobs, then podman without a network, and then nothing is left of them', {
  skip: skipPodman,
}, async (t) => {
  const lab = await startPodmanLab(t);
  lab.registry.push('web:1', image(2, { platforms }));
  lab.registry.push('api:1', image(3));
  const root = writeRoot(join(lab.directory, 'os'), {
    ...container('web', `${host}/web:1`, 'Pull=newer'),
    ...container('api', `${host}/api:1`),
  });
  const first = await lab.run('stage', ...all, root, '--download-only');
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.stdout, /os is downloaded/);
  assert.equal(await lab.engine.podman('images', '-q'), '');
  assert.deepEqual(await codes(lab), ['not-unpacked', 'not-unpacked']);

  lab.registry.requests.length = 0;
  const second = await lab.run('stage', '--download-only', ...all, root);
  assert.equal(second.code, 0, second.stderr);
  assert.deepEqual(blobsAsked(lab.registry), []);

  await lab.registry.close();
  const last = await lab.run('stage', ...all, root);
  assert.equal(last.code, 0, last.stderr);
  assert.deepEqual(await codes(lab), []);
  assert.deepEqual(blobsIn(lab), []);
});

for (const trixie of [false, true]) {
  test(`an image is known as if podman ${trixie ? '5.4' : '4.3'} had pulled it`, {
    skip: skipPodman,
  }, async (t) => {
    const lab = await startPodmanLab(t, { wrapped: { trixie } });
    const podman = async (...words: string[]) => {
      const ran = await lab.program('podman', '--url', `unix://${lab.engine.socket}`, ...words);
      assert.equal(ran.code, 0, `podman ${words.join(' ')}: ${ran.stderr}`);
      return ran.stdout.trim();
    };
    for (const [name, built] of [
      ['indexed', image(2, { platforms })],
      ['plain', image(3)],
      ['docker', image(4, { platforms, format: 'docker' })],
    ] as const) {
      lab.registry.push(`${name}:1`, built);
      const full = `${host}/${name}`;
      const [first] = built.manifests;
      assert.ok(first !== undefined);
      const names = [`${full}:1`, `${full}@${built.top.digest}`, `${full}@${first.digest}`];
      const look = async () => {
        const [found] = JSON.parse(await podman('image', 'inspect', `${full}:1`));
        for (const one of names) await podman('rm', await podman('create', '--pull=never', one));
        const { Id, Digest, RepoTags, RepoDigests } = found;
        return { Id, Digest, RepoTags, RepoDigests: RepoDigests.sort() };
      };
      await podman('pull', `${full}:1`);
      const pulled = await look();
      await podman('rmi', '-f', pulled.Id);
      const root = writeRoot(join(lab.directory, name), container(name, `${full}:1`));
      const words = ['--bind', 'all', '--id', name, root];
      for (const more of [['--download-only'], []]) {
        const { code, stderr } = await lab.run('stage', ...more, ...words);
        assert.equal(code, 0, stderr);
      }
      assert.deepEqual(await look(), pulled);
    }
  });
}

test('the bytes of a plan are those that come', { skip: skipPodman }, async (t) => {
  const lab = await startPodmanLab(t);
  const there = image(2);
  lab.registry.push('there:1', there);
  const other = buildImage({ layers: [base, { bytes: 40_000, seed: 9 }] });
  const cases: readonly (readonly [string, BuiltImage])[] = [
    ['nothing of it is here', there],
    ['a layer is here', image(3)],
    ['the same layers, other settings', buildImage({ layers: [base, { bytes: 50_000, seed: 2 }] })],
    ['a layer is here in another compression', image(5, { level: 9 })],
    ['all of its layers are, in another compression', image(2, { level: 9 })],
    ['a layer comes twice', buildImage({ layers: [base, base, { bytes: 30_000, seed: 6 }] })],
    ['an empty layer', buildImage({ layers: [base, { files: {} }, { bytes: 30_000, seed: 7 }] })],
    ['one of several platforms', image(8, { platforms })],
  ];
  for (const [what, built] of cases) {
    const id = what.replaceAll(/[^a-z]+/g, '-');
    lab.registry.push(`${id}:1`, built);
    lab.registry.push(`${id}/other:1`, other);
    const root = writeRoot(join(lab.directory, id), {
      ...container('one', `${host}/${id}:1`),
      // One image under two names, and an image that shares a layer with it.
      ...container('same', `${host}/${id}:1@${built.top.digest}`),
      ...container('other', `${host}/${id}/other:1`),
    });
    const words = ['--bind', 'all', '--id', id, root];
    const { stdout } = await lab.run('plan', '--format', 'json', ...words);
    const { bytes } = JSON.parse(stdout);
    const came = await bytesOfBlobs(lab, () => lab.run('stage', ...words));
    // podman may know such a layer by what it unpacks to, which only it can tell.
    if (what.includes('compression')) assert.ok(came <= bytes, what);
    else assert.equal(came, bytes, what);
    assert.deepEqual(blobsIn(lab), []);
  }
});

test('images are downloaded while podman unpacks, unless policy.json asks more of archives', {
  skip: skipPodman,
}, async (t) => {
  const lab = await startPodmanLab(t);
  const planned = async (...names: string[]) => {
    for (const name of names) lab.registry.push(`${name}:1`, image(name.charCodeAt(0)));
    const units = names.map((name) => container(name, `${host}/${name}:1`));
    const root = writeRoot(join(lab.directory, names.join('-')), Object.assign({}, ...units));
    const words = ['--bind', 'all', '--id', names.join('-'), root];
    const { stdout, stderr } = await lab.run('plan', '--format', 'json', ...words);
    assert.match(stdout, /"way"/, stderr);
    return { words, ...JSON.parse(stdout) };
  };
  assert.equal((await planned('alone')).way, 'two-steps');
  const { way, bytes, words } = await planned('web', 'api');
  assert.equal(way, 'two-steps');
  const came = await bytesOfBlobs(lab, () => lab.run('stage', ...words));
  assert.equal(came, bytes);
  assert.deepEqual(blobsIn(lab), []);
  const accept = [{ type: 'insecureAcceptAnything' }];
  const policy = { default: [{ type: 'reject' }], transports: { docker: { '': accept } } };
  writeFileSync(join(lab.directory, 'home/.config/containers/policy.json'), JSON.stringify(policy));
  assert.equal((await planned('db', 'queue')).way, 'direct');
});

test('an image in the store is not downloaded again, whoever brought it', {
  skip: skipPodman,
}, async (t) => {
  const lab = await startPodmanLab(t);
  lab.registry.push('web:1', image(2, { platforms }));
  const root = writeRoot(join(lab.directory, 'os'), container('web', `${host}/web:1`));
  const pulled = await lab.berth('pull', '--engine', 'store', `${host}/web:1`);
  assert.equal(pulled.code, 0, pulled.stderr);
  const whole = blobsIn(lab);
  const plan = await lab.run('plan', '--format', 'json', ...all, root);
  const { bytes, inStore } = JSON.parse(plan.stdout);
  assert.equal(bytes, 0);
  assert.ok(inStore > 250_000);
  assert.equal(await bytesOfBlobs(lab, () => lab.run('stage', ...all, root)), 0);
  assert.deepEqual(await codes(lab), []);
  assert.deepEqual(blobsIn(lab), whole, 'what berth pulled for somebody stays');
});

test('a damaged copy is found out, and brought anew', { skip: skipPodman }, async (t) => {
  const lab = await startPodmanLab(t);
  const built = image(2);
  lab.registry.push('web:1', built);
  const root = writeRoot(join(lab.directory, 'os'), container('web', `${host}/web:1`));
  assert.equal((await lab.run('stage', '--download-only', ...all, root)).code, 0);
  const [layer = ''] = [...built.blobs.keys()];
  const path = join(lab.directory, 'state/store/blobs/sha256', layer.replace('sha256:', ''));
  writeFileSync(path, Buffer.alloc(readFileSync(path).length));
  const failed = await lab.run('stage', ...all, root);
  assert.equal(failed.code, 1);
  assert.match(failed.stderr, /hash to .* expected/);
  assert.equal(await lab.engine.podman('images', '-q'), '');
  const mended = await lab.run('stage', ...all, root);
  assert.equal(mended.code, 0, mended.stderr);
  assert.deepEqual(await codes(lab), []);
});

test('a layer that podman lost since is missing, and comes by itself', {
  skip: skipPodman,
}, async (t) => {
  const lab = await startPodmanLab(t);
  lab.registry.push('base:1', buildImage({ layers: [base] }));
  lab.registry.push('web:1', image(2));
  const root = writeRoot(join(lab.directory, 'os'), container('web', `${host}/web:1`));
  await lab.engine.podman('pull', '-q', `${host}/base:1`);
  const came = await bytesOfBlobs(lab, () => lab.run('stage', '--download-only', ...all, root));
  assert.ok(came < 60_000, 'the base is there');
  assert.deepEqual(await codes(lab), ['not-unpacked']);
  await lab.engine.podman('rmi', `${host}/base:1`);
  assert.deepEqual(await codes(lab), ['unfinished', 'image-missing']);
  const plan = await lab.run('plan', '--format', 'json', ...all, root);
  const { bytes } = JSON.parse(plan.stdout);
  assert.equal(await bytesOfBlobs(lab, () => lab.run('stage', ...all, root)), bytes);
  assert.deepEqual(await codes(lab), []);
});

test('records that are lost come back from what waits', { skip: skipPodman }, async (t) => {
  const lab = await startPodmanLab(t);
  lab.registry.push('web:1', image(2));
  const root = writeRoot(join(lab.directory, 'os'), container('web', `${host}/web:1`));
  assert.equal((await lab.run('stage', '--download-only', ...all, root)).code, 0);
  rmSync(join(lab.directory, 'state/roots'), { recursive: true });
  assert.deepEqual(await codes(lab), ['not-unpacked']);
  await lab.registry.close();
  const staged = await lab.run('stage', ...all, root);
  assert.equal(staged.code, 0, staged.stderr);
  assert.deepEqual(await codes(lab), []);
});

test('images downloaded for a root go with the root', { skip: skipPodman }, async (t) => {
  const lab = await startPodmanLab(t);
  lab.registry.push('web:1', image(2));
  lab.registry.push('api:1', image(3));
  const web = container('web', `${host}/web:1`);
  const root = writeRoot(join(lab.directory, 'os'), web);
  const other = writeRoot(join(lab.directory, 'other'), container('api', `${host}/api:1`));
  const others = ['--bind', 'all', '--id', 'other', other];
  assert.equal((await lab.run('stage', '--download-only', ...all, root)).code, 0);
  assert.equal((await lab.run('stage', '--download-only', ...others)).code, 0);
  assert.equal((await lab.run('release', 'os')).code, 0);
  const left = blobsIn(lab).length;
  assert.equal(left, 4, 'manifest, config and layers of the other');
  await lab.registry.close();
  assert.equal((await lab.run('stage', ...others)).code, 0);
  assert.deepEqual(blobsIn(lab), []);
});

test('a podman that takes no archives pulls itself', { skip: skipPodman }, async (t) => {
  const lab = await startPodmanLab(t);
  lab.registry.push('web:1', image(2));
  const root = writeRoot(join(lab.directory, 'os'), container('web', `${host}/web:1`));
  const policy = {
    default: [{ type: 'insecureAcceptAnything' }],
    transports: { 'oci-archive': { '': [{ type: 'reject' }] } },
  };
  const file = join(lab.directory, 'home/.config/containers/policy.json');
  writeFileSync(file, JSON.stringify(policy));
  assert.equal((await lab.run('stage', '--download-only', ...all, root)).code, 0);
  const staged = await lab.run('stage', ...all, root);
  assert.equal(staged.code, 0, staged.stderr);
  assert.deepEqual(await codes(lab), []);
  assert.deepEqual(blobsIn(lab), []);
});

test('a waiting image is unpacked at boot, without a network', { skip: skipPodman }, async (t) => {
  const lab = await startPodmanLab(t);
  lab.registry.push('web:1', image(2));
  const root = writeRoot(join(lab.directory, 'os'), {
    'usr/lib/berth/berth.toml': '[bind]\nmode = "all"\n',
    ...container('web', `${host}/web:1`),
  });
  assert.equal((await lab.run('stage', '--download-only', '--id', 'os', root)).code, 0);
  await lab.registry.close();
  const refuse = () => Promise.reject(new Error('the network is away'));
  const registry: Registry = {
    permit: async () => [],
    signatures: async () => [],
    foresee: async () => undefined,
    credentials: async () => undefined,
    quickestReply: async () => undefined,
    isLimited: async () => false,
    resolve: refuse,
    resolveAll: refuse,
    manifest: refuse,
    download: refuse,
    close: () => undefined,
  };
  const stateDirectory = join(lab.directory, 'state');
  const depot = openDepot(
    { directory: join(stateDirectory, 'store'), registry },
    { engine: 'podman', serves: isForHost },
  );
  const { environment } = lab.engine;
  const engine = await openPodman({ user: false, pinKey: lab.engine.pinKey, environment, depot });
  const opened = openRoot(root);
  t.after(async () => {
    opened.close();
    await engine.close();
  });
  const { signal } = new AbortController();
  const context = {
    engines: theOnly(engine),
    state: new State(stateDirectory),
    report: () => undefined,
    signal,
  };
  const planned = { id: 'os', location: opened.location };
  const loaded = await loadShipped(context, registry, opened, planned, {
    compose: [],
    engines: new Set([engine.id]),
  });
  assert.deepEqual(loaded?.findings, []);
  assert.deepEqual(await codes(lab), []);
});

/** How many bytes of blobs the registry sends meanwhile; each blob must come at most once. */
async function bytesOfBlobs(
  { registry }: PodmanLab,
  work: () => Promise<Outcome>,
): Promise<number> {
  registry.requests.length = 0;
  const { code, stderr } = await work();
  assert.equal(code, 0, stderr);
  const asked = registry.requests.filter(({ path }) => path.includes('/blobs/'));
  const digests = asked.map(({ path }) => path.replace(/^.*\//, ''));
  assert.equal(new Set(digests).size, asked.length);
  return asked.reduce((sum, { bytes }) => sum + bytes, 0);
}

function blobsAsked({ requests }: TestRegistry): string[] {
  return requests.map(({ path }) => path).filter((path) => path.includes('/blobs/'));
}

async function codes(lab: PodmanLab): Promise<string[]> {
  const { stdout } = await lab.run('verify', '--format', 'json', 'os');
  return JSON.parse(stdout).findings.map(({ code }: { code: string }) => code);
}

function blobsIn({ directory }: PodmanLab): string[] {
  const blobs = join(directory, 'state/store/blobs/sha256');
  return existsSync(blobs) ? readdirSync(blobs) : [];
}
