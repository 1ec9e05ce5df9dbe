import assert from 'node:assert/strict';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { readAdditionalStore, serves } from '../../../src/engine/containers-storage/images.ts';
import { container, startMachine, writeRoot } from '../../support/berth.ts';
import { buildImage } from '../../support/image-builder.ts';
import { preparePodman, skipPodman, startPodman, type TestPodman } from '../../support/podman.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

const skip = skipPodman;
const name = 'registry.example.com/app:1';
const app = (seed: number, ...platforms: string[]) =>
  buildImage({
    layers: [{ bytes: 10_000, seed }],
    ...(platforms.length === 0 ? {} : { platforms }),
  });

interface Lab {
  readonly directory: string;
  readonly engine: TestPodman;
  /** A store that somebody else fills, as bootc does its own. */
  readonly store: TestPodman;
  readonly path: string;
  /** Runs the engine's podman, which looks into the store as well. */
  readonly looking: (...words: string[]) => ReturnType<TestPodman['tryPodman']>;
  readonly push: (image: ReturnType<typeof app>) => string;
  readonly run: (command: string, ...words: string[]) => Promise<{ code: number; text: string }>;
  readonly stage: (root: string) => Promise<{ code: number; text: string }>;
  /** The number of requests to the registry about the image since the last call. */
  readonly requests: () => number;
}

/** @param sees whether the running system's podman always looks into the store. */
async function startLab(t: TestContext, sees = false): Promise<Lab> {
  const machine = await startMachine(t);
  const { environment, registry, directory } = machine;
  const place = temporaryDirectory(t);
  const path = join(place, 'root');
  const store = preparePodman(place, { environment: { ...environment } });
  const option = `--storage-opt=additionalimagestore=${path}`;
  registry.push('app:1', app(1));
  await store.podman('pull', '-q', name);
  const words = sees ? [option] : [];
  const engine = await startPodman(t, { environment: { ...environment }, words });
  environment['CONTAINER_HOST'] = `unix://${engine.socket}`;
  const run: Lab['run'] = async (command, ...more) => {
    const { code, stdout, stderr } = await machine.berth(command, '--engine', 'podman', ...more);
    return { code: code ?? -1, text: stdout + stderr };
  };
  let counted = 0;
  const requests = () => {
    const all = registry.requests.filter(({ path: asked }) => asked.includes('/app/')).length;
    const more = all - counted;
    counted = all;
    return more;
  };
  requests();
  return {
    directory,
    engine,
    store,
    path,
    looking: (...more) => engine.tryPodman(option, ...more),
    push: (image) => registry.push('app:1', image).digest,
    run,
    stage: (root) => run('stage', '--bind', 'all', '--id', 'os', root),
    requests,
  };
}

function rootOf(lab: Lab, ...trees: Readonly<Record<string, string>>[]): string {
  return writeRoot(join(lab.directory, 'os'), Object.assign({}, ...trees));
}

const global = (path: string) => `GlobalArgs=--storage-opt=additionalimagestore=${path}\n`;
const idOf = async (ran: ReturnType<TestPodman['tryPodman']>) => (await ran).stdout.trim();
const inspect = ['image', 'inspect', '--format={{.Id}}', name];
const exists = ['image', 'exists', name];

test('an image in a store that the unit names is present and verified', { skip }, async (t) => {
  const lab = await startLab(t);
  const { engine, store, path, looking, run, stage, requests } = lab;
  const root = rootOf(lab, container('app', name, global(path)));
  assert.equal((await looking(...exists)).code, 0);
  assert.equal((await engine.tryPodman(...exists)).code, 1, 'for no other');
  const staged = await stage(root);
  assert.equal(staged.code, 0, staged.text);
  assert.equal(requests(), 0, 'nothing is fetched twice');
  assert.match(
    (await run('plan', '--bind', 'all', '--id', 'os', root)).text,
    /present .*not berth's/,
  );
  assert.equal((await run('verify', 'os')).code, 0);
  assert.match((await run('status')).text, /provided/);
  assert.match((await run('why', name)).text, /\bos\b/);
  assert.equal((await engine.tryPodman(...exists)).code, 1, 'and is not in the engine');
  await store.podman('rmi', name);
  const gone = await run('verify', 'os');
  assert.equal(gone.code, 3);
  assert.match(gone.text, /app:1 is not in .* any more/);
  assert.equal((await stage(root)).code, 0);
  assert.equal((await engine.tryPodman(...exists)).code, 0, 'then the engine has to have it');
});

test('a reference that names no store has it fetched, once for all', { skip }, async (t) => {
  const lab = await startLab(t);
  const root = rootOf(lab, container('app', name, global(lab.path)), container('plain', name));
  assert.equal((await lab.stage(root)).code, 0);
  assert.equal((await lab.engine.tryPodman(...exists)).code, 0);
  assert.ok(lab.requests() > 0);
  assert.equal((await lab.run('verify', 'os')).code, 0);
  lab.requests();
  assert.equal((await lab.stage(root)).code, 0);
  assert.equal(lab.requests(), 0);
});

test('an image in a store that only the running podman uses does not serve the root', {
  skip,
}, async (t) => {
  const lab = await startLab(t, true);
  assert.equal((await lab.engine.tryPodman(...exists)).code, 0, 'the running one sees it');
  const staged = await lab.stage(rootOf(lab, container('app', name)));
  assert.equal(staged.code, 3, staged.text);
  assert.match(staged.text, /storage-differs .*app\.container:2: .*does not look into/);
  const blind = preparePodman(lab.engine.directory);
  const created = await blind.tryPodman('create', '--net=none', '--pull=never', name, '/x');
  assert.match(created.stderr, /layer not known/, 'podman pulls no layer that it finds elsewhere');
});

test('storage.conf of the root names a store for all its units', { skip }, async (t) => {
  const lab = await startLab(t);
  const conf = (text: string) => ({ 'etc/containers/storage.conf': `[storage]\n${text}\n` });
  const named = `driver = "overlay"\n[storage.options]\nadditionalimagestores = ["${lab.path}"]`;
  const root = rootOf(lab, container('app', name), conf(named));
  assert.equal((await lab.stage(root)).code, 0);
  assert.equal(lab.requests(), 0);
  const own = { ...container('app', name, 'GlobalArgs=--storage-opt=overlay.mountopt=nodev\n') };
  assert.equal((await lab.stage(rootOf(lab, own))).code, 0);
  assert.ok(lab.requests() > 0, 'options take the place of those in storage.conf');
  for (const [text, said] of [
    ['graphroot = "/elsewhere"', /storage-differs .*etc\/containers\/storage\.conf/],
    ['driver = "vfs"', /storage-differs .*etc\/containers\/storage\.conf/],
    ['driver = ', /storage-conf .*etc\/containers\/storage\.conf/],
  ] as const) {
    const differs = await lab.stage(rootOf(lab, container('app', name), conf(text)));
    assert.equal(differs.code, 3, text);
    assert.match(differs.text, said);
  }
});

test('podman’s own store goes first, whatever image it has for the name', { skip }, async (t) => {
  const lab = await startLab(t);
  const { engine, store, looking, stage, run } = lab;
  const root = rootOf(lab, container('app', name, global(lab.path)));
  const stored = await idOf(store.tryPodman(...inspect));
  assert.equal((await stage(root)).code, 0);
  assert.equal(await idOf(looking(...inspect)), stored);
  lab.push(app(2));
  await engine.podman('pull', '-q', name);
  const own = await idOf(engine.tryPodman(...inspect));
  assert.equal(await idOf(looking(...inspect)), own);
  const moved = await run('verify', 'os');
  assert.equal(moved.code, 3);
  assert.match(moved.text, new RegExp(`means sha256:${own} in podman's own store`));
  assert.equal((await stage(root)).code, 0);
  assert.equal((await run('verify', 'os')).code, 0);
  await engine.podman('image', 'prune', '-af');
  assert.equal(await idOf(looking(...inspect)), own, 'it is pinned now');
});

test('a store that is not there is a problem: podman fails with it', { skip }, async (t) => {
  const lab = await startLab(t);
  const none = join(lab.directory, 'none');
  const ran = await lab.engine.tryPodman(`--storage-opt=additionalimagestore=${none}`, ...exists);
  assert.equal(ran.code, 125);
  const staged = await lab.stage(rootOf(lab, container('app', name, global(none))));
  assert.equal(staged.code, 3);
  assert.match(staged.text, /additional-store .*app\.container:2/);
});

test('an image of another platform or digest is none', { skip }, async (t) => {
  const lab = await startLab(t);
  const { engine, store, stage } = lab;
  const foreign = process.arch === 'arm64' ? 'amd64' : 'arm64';
  const both = app(3, 'linux/amd64', 'linux/arm64');
  const digest = lab.push(both);
  await store.podman('pull', '-q', `--arch=${foreign}`, name);
  lab.requests();
  const root = rootOf(lab, container('app', name, global(lab.path)));
  assert.equal((await stage(root)).code, 0);
  assert.ok(lab.requests() > 0);
  const architecture = ['image', 'inspect', '--format={{.Architecture}}', name];
  assert.notEqual(await idOf(engine.tryPodman(...architecture)), foreign);
  const byDigest = `registry.example.com/app@${digest}`;
  const other = lab.push(app(4));
  await store.podman('pull', '-q', name);
  lab.requests();
  assert.equal(
    (
      await stage(
        rootOf(lab, container('app', `registry.example.com/app@${other}`, global(lab.path))),
      )
    ).code,
    0,
  );
  assert.equal(lab.requests(), 0, 'by its digest it is there');
  await stage(rootOf(lab, container('app', byDigest, global(lab.path))));
  assert.equal((await engine.tryPodman('image', 'exists', byDigest)).code, 0);
});

test('a store is read as podman reads it', { skip }, async (t) => {
  const { store, path, push } = await startLab(t);
  const digest = push(app(5, 'linux/amd64', 'linux/arm64'));
  await store.podman('pull', '-q', `registry.example.com/app@${digest}`);
  await store.podman('pull', '-q', name);
  await store.podman('tag', name, 'localhost/mine:2');
  const images = readAdditionalStore(path)?.images ?? [];
  const listed: readonly { Id: string; Names?: string[]; RepoDigests?: string[] }[] = JSON.parse(
    await store.podman('images', '--all', '--format=json'),
  );
  assert.ok(listed.length >= 2);
  assert.deepEqual(
    images.map(({ id }) => id).sort(),
    [...new Set(listed.map(({ Id }) => `sha256:${Id}`))].sort(),
  );
  for (const { Id, Names = [], RepoDigests = [] } of listed) {
    const image = images.find(({ id }) => id === `sha256:${Id}`);
    assert.ok(image);
    for (const each of [...Names, ...(RepoDigests ?? [])]) assert.ok(serves(image, each), each);
    assert.equal(serves(image, `registry.example.com/other@${digest}`), false);
  }
});
