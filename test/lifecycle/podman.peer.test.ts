import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { container, type Machine, main, startMachine, writeRoot } from '../support/berth.ts';
import { buildImage } from '../support/image-builder.ts';
import { skipPodman, startPodman, type TestPodman, withTorn } from '../support/podman.ts';

const host = 'registry.example.com';
const image = (seed: number) =>
  buildImage({
    layers: [
      { bytes: 20_000, seed: 1 },
      { bytes: 10_000, seed },
    ],
    entrypoint: ['/bin/entry'],
  });

interface Lab extends Machine {
  readonly engine: TestPodman;
  /** Stages a root; a stage that fails fails the test, with its reason. */
  readonly stage: (id: string, root: string) => Promise<void>;
  readonly verify: (id: string) => Promise<number | null>;
}

/** A machine whose engine is a real podman with a store of its own. */
async function startLab(t: TestContext): Promise<Lab> {
  const machine = await startMachine(t);
  const engine = await startPodman(t, { environment: machine.environment });
  machine.environment['CONTAINER_HOST'] = `unix://${engine.socket}`;
  const podman = ['--engine', 'podman'];
  return {
    ...machine,
    engine,
    stage: async (id, root) => {
      const words = [...podman, '--bind', 'all', '--id', id, root];
      const { code, stderr } = await machine.berth('stage', ...words);
      assert.equal(code, 0, stderr);
    },
    verify: async (id) => (await machine.berth('verify', ...podman, id)).code,
  };
}

/** Makes an image that is half-written, and returns its id. */
async function tornImage({ engine }: Lab): Promise<string> {
  const archive = join(engine.directory, 'archive.tar');
  execFileSync('tar', ['-c', '-f', archive, '-C', engine.directory, 'registries.conf']);
  const torn = (await engine.podman('import', '--quiet', archive)).replace('sha256:', '');
  await engine.restart(() => {
    const images = join(engine.directory, 'root/overlay-images');
    const list = join(images, 'images.json');
    writeFileSync(list, withTorn(readFileSync(list, 'utf8'), torn));
    rmSync(join(images, torn), { recursive: true });
  });
  return torn;
}

function idOf(lab: Lab, name: string): Promise<string> {
  return lab.engine.podman('image', 'inspect', '--format', '{{.Id}}', name);
}

test('podman’s own commands on a staged root', { skip: skipPodman }, async (t) => {
  const lab = await startLab(t);
  lab.registry.push('web:1', image(2));
  lab.registry.push('api:1', image(3));
  const root = writeRoot(join(lab.directory, 'os'), {
    ...container('web', `${host}/web:1`),
    ...container('api', `${host}/api:1`),
  });
  await lab.stage('os', root);
  await t.test('no removal that does not insist takes an image', async () => {
    for (const words of [
      ['rmi', `${host}/web:1`],
      ['image', 'prune', '-a', '-f'],
      ['container', 'prune', '-f'],
      ['pod', 'prune', '-f'],
      ['system', 'prune', '-a', '-f', '--volumes'],
      ['start', '--all'],
      ['image', 'prune', '-a', '-f'],
      ['system', 'prune', '-a', '-f', '--volumes'],
    ]) {
      await lab.engine.tryPodman(...words);
      assert.equal(await lab.verify('os'), 0, words.join(' '));
    }
  });
  await t.test('what takes the pins is found out, and healed without a download', async () => {
    for (const words of [
      ['rm', '-a', '-f'],
      ['pod', 'rm', '-a', '-f'],
    ]) {
      await lab.engine.tryPodman(...words);
      assert.equal(await lab.verify('os'), 3, words.join(' '));
      const before = lab.registry.requests.length;
      await lab.stage('os', root);
      assert.equal(lab.registry.requests.length, before, 'no registry was asked');
      assert.equal(await lab.verify('os'), 0, words.join(' '));
    }
  });
  await t.test('rmi -f is found out, and healed', async () => {
    await lab.engine.podman('rmi', '-f', `${host}/web:1`);
    assert.equal(await lab.verify('os'), 3);
    await lab.stage('os', root);
    assert.equal(await lab.verify('os'), 0);
  });
  await t.test('a name that somebody took away, or moved, is found out and healed', async () => {
    await lab.engine.podman('untag', `${host}/web:1`, `${host}/web:1`);
    assert.equal(await lab.verify('os'), 3);
    await lab.stage('os', root);
    await lab.engine.podman('tag', `${host}/api:1`, `${host}/web:1`);
    assert.equal(await lab.verify('os'), 3);
    await lab.stage('os', root);
    assert.equal(await lab.verify('os'), 0);
  });
  await t.test('an image that a pull was killed over is removed', async () => {
    const torn = await tornImage(lab);
    const { code, stderr } = await lab.berth('verify', '--engine', 'podman', 'os');
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`the image sha256:${torn} was left half-written`));
    await lab.stage('os', root);
    assert.equal(await lab.verify('os'), 0);
    assert.notEqual((await lab.engine.tryPodman('image', 'exists', torn)).code, 0);
  });
  await t.test('podman’s database deleted', async () => {
    const database = join(lab.engine.directory, 'root/libpod/bolt_state.db');
    assert.ok(existsSync(database));
    await lab.engine.restart(() => rmSync(database));
    assert.equal(await lab.verify('os'), 3);
    await lab.stage('os', root);
    assert.equal(await lab.verify('os'), 0);
  });
  await t.test('the records deleted: the next stage makes them again from the labels', async () => {
    rmSync(join(lab.directory, 'state/roots'), { recursive: true });
    assert.equal(await lab.verify('os'), 0);
    await lab.stage('os', root);
    assert.ok(existsSync(join(lab.directory, 'state/roots/os.json')));
    assert.equal(await lab.verify('os'), 0);
  });
});

test('a second root with a moved tag leaves the first its name', {
  skip: skipPodman,
}, async (t) => {
  const lab = await startLab(t);
  lab.registry.push('api:latest', image(2));
  const a = writeRoot(join(lab.directory, 'a'), container('api', `${host}/api:latest`));
  const b = writeRoot(join(lab.directory, 'b'), container('api', `${host}/api:latest`));
  await lab.stage('a', a);
  const first = await idOf(lab, `${host}/api:latest`);
  const moved = lab.registry.push('api:latest', image(3));
  await lab.stage('b', b);
  // A service of a, restarted, creates its container by this name, and pulls nothing.
  const name = `${host}/api:latest`;
  const created = await lab.engine.podman('create', '--pull=never', name, 'x');
  const used = await lab.engine.podman('inspect', '--format', '{{.Image}}', created);
  assert.equal(used, first);
  await lab.engine.podman('rm', created);
  assert.notEqual(await idOf(lab, `${host}/api@${moved.digest}`), first);
  assert.equal(await lab.verify('a'), 0);
  assert.equal(await lab.verify('b'), 0);

  assert.equal((await lab.berth('release', '--engine', 'podman', 'a')).code, 0);
  assert.equal(await idOf(lab, name), await idOf(lab, `${host}/api@${moved.digest}`));
  assert.equal((await lab.berth('prune', '--force', '--engine', 'podman')).code, 0);
  assert.notEqual((await lab.engine.tryPodman('image', 'exists', first)).code, 0);
  assert.equal(await lab.verify('b'), 0);
});

test('prune leaves what an admin pulled, and what a container uses', {
  skip: skipPodman,
}, async (t) => {
  const lab = await startLab(t);
  for (const [name, seed] of [
    ['mine:1', 2],
    ['used:1', 3],
    ['named:1', 4],
    ['left:1', 5],
    ['pulled:1', 6],
    ['elsewhere:1', 6],
  ] as const) {
    lab.registry.push(name, image(seed));
  }
  await lab.engine.podman('pull', '-q', `${host}/mine:1`);
  const root = writeRoot(join(lab.directory, 'os'), {
    ...container('mine', `${host}/mine:1`),
    ...container('used', `${host}/used:1`),
    ...container('named', `${host}/named:1`),
    ...container('left', `${host}/left:1`),
    ...container('pulled', `${host}/pulled:1`),
  });
  await lab.stage('os', root);
  await lab.engine.podman('pull', '-q', `${host}/elsewhere@${image(6).top.digest}`);
  await lab.engine.podman('create', `${host}/used:1`, 'x');
  await lab.engine.podman('tag', `${host}/named:1`, 'localhost/own:1');
  assert.equal((await lab.berth('release', '--engine', 'podman', 'os')).code, 0);
  const { stdout } = await lab.berth('prune', '--force', '--engine', 'podman');
  assert.match(stdout, /used:1 .*kept/);
  assert.match(stdout, /named:1 .*kept: held by the name localhost\/own:1/);
  assert.match(stdout, /pulled:1 .*kept: held by the name .*\/elsewhere@sha256:/);
  for (const name of ['mine', 'used', 'named', 'pulled']) {
    assert.equal(
      (await lab.engine.tryPodman('image', 'exists', `${host}/${name}:1`)).code,
      0,
      name,
    );
  }
  assert.notEqual((await lab.engine.tryPodman('image', 'exists', `${host}/left:1`)).code, 0);
  assert.equal(await lab.engine.podman('pod', 'ps', '-q'), '', 'the root’s pod went with its pins');
});

test('release and prune take the pods that podman rm has emptied', {
  skip: skipPodman,
}, async (t) => {
  const lab = await startLab(t);
  lab.registry.push('web:1', image(2));
  const root = writeRoot(join(lab.directory, 'os'), container('web', `${host}/web:1`));
  const pods = () => lab.engine.podman('pod', 'ps', '-q');
  for (const [id, command] of [
    ['a', ['release', 'a']],
    ['b', ['prune', '--force']],
  ] as const) {
    await lab.stage(id, root);
    await lab.engine.podman('rm', '-a');
    assert.notEqual(await pods(), '');
    assert.equal((await lab.berth(...command, '--engine', 'podman')).code, 0);
    assert.equal(await pods(), '', id);
  }
});

test('prune removes what a stage that failed had fetched, once a later stage does not want it', {
  skip: skipPodman,
}, async (t) => {
  const lab = await startLab(t);
  const exists = async (id: string) =>
    (await lab.engine.tryPodman('image', 'exists', id)).code === 0;
  const half = lab.registry.push('half:1', image(2));
  lab.registry.push('mine:1', image(3));
  lab.registry.push('web:1', image(4));
  await lab.engine.podman('pull', '-q', `${host}/mine:1`);
  const mine = await idOf(lab, `${host}/mine:1`);
  const failing = writeRoot(join(lab.directory, 'failing'), {
    ...container('half', `${host}/half:1`),
    ...container('mine', `${host}/mine:1`),
    ...container('gone', `${host}/gone:1`),
  });
  const words = ['--engine', 'podman', '--bind', 'all', '--id', 'os', failing];
  assert.notEqual((await lab.berth('stage', ...words)).code, 0);
  const fetched = await idOf(lab, `${host}/half@${half.digest}`);
  const prune = () => lab.berth('prune', '--force', '--engine', 'podman');
  assert.equal((await prune()).code, 0);
  assert.ok(await exists(fetched), 'the stage that has begun still wants it');

  const root = writeRoot(join(lab.directory, 'os'), container('web', `${host}/web:1`));
  await lab.stage('os', root);
  assert.ok(await exists(fetched), 'nothing is removed before prune');
  assert.equal((await prune()).code, 0);
  assert.ok(!(await exists(fetched)), 'prune removes the image');
  assert.ok(await exists(mine), 'somebody else pulled this one');
  assert.equal(await lab.verify('os'), 0);
});

test('berth works where /etc is read-only and no service listens', {
  skip: skipPodman,
}, async (t) => {
  if (process.geteuid?.() !== 0) return t.skip('needs root for a mount namespace');
  const machine = await startMachine(t);
  machine.registry.push('web:1', image(2));
  const root = writeRoot(join(machine.directory, 'os'), container('web', `${host}/web:1`));
  const store = join(machine.directory, 'storage.conf');
  const path = (name: string) => join(machine.directory, name);
  writeRoot(machine.directory, {
    'storage.conf': `[storage]\ndriver = "overlay"\ngraphroot = "${path('graph')}"\nrunroot = "${path('run')}"\n`,
    'containers.conf': `[engine]\ntmp_dir = "${path('tmp')}"\n`,
  });
  const environment = {
    ...machine.environment,
    CONTAINERS_STORAGE_CONF: store,
    CONTAINERS_CONF: path('containers.conf'),
    // Nothing of the machine's own podman: neither its socket nor its runtime directory.
    XDG_RUNTIME_DIR: path('runtime'),
  };
  const script =
    'mount --bind /etc /etc && mount -o remount,ro,bind /etc && ! touch /etc/berth-writable 2>/dev/null && ' +
    'mount -t tmpfs tmpfs /run && exec "$@"';
  const words = ['stage', '--engine', 'podman', '--bind', 'all', '--id', 'os', root];
  const run = promisify(execFile);
  const wrapped = ['--mount', 'sh', '-c', script, 'sh', process.execPath, main, ...words];
  const { stdout } = await run('unshare', wrapped, { env: environment });
  assert.match(stdout, /os is ready on podman/);
});

test('what podman would pull without a limit is downloaded first, and handed to it', {
  skip: skipPodman,
}, async (t) => {
  const lab = await startLab(t);
  const root = writeRoot(join(lab.directory, 'os'), {
    ...container('web', `${host}/web:1`),
    ...container('api', `${host}/api:1`),
  });
  lab.registry.push('web:1', image(2));
  lab.registry.push('api:1', image(3));
  lab.registry.push('tool:1', image(4));
  const config = join(lab.directory, 'berth.toml');
  const blobs = () => lab.registry.requests.filter(({ path }) => path.includes('/blobs/'));
  const agents = () => [...new Set(blobs().map(({ agent }) => agent))];
  const waiting = join(lab.directory, 'state/store/waiting');
  for (const [text, flags, words] of [
    ['', ['--limit-rate', '100M'], ['stage', '--bind', 'all', '--id', 'os', root]],
    [`limit-rate = "100MB"`, [], ['pull', `${host}/tool:1`]],
    [`[registries."${lab.registry.host}"]\nat-a-time = 1`, [], ['pull', `${host}/web:1`]],
  ] as const) {
    await t.test(text || flags.join(' '), async () => {
      writeFileSync(config, text);
      lab.registry.requests.length = 0;
      const podman = ['--engine', 'podman', '--config', config];
      const { code, stderr } = await lab.berth(...words, ...podman, ...flags);
      assert.equal(code, 0, stderr);
      assert.deepEqual(agents(), ['berth']);
      assert.doesNotMatch(stderr, /warning/);
      assert.deepEqual(existsSync(waiting) ? readdirSync(waiting) : [], [], 'nothing waits on');
      for (const name of ['web', 'api', 'tool']) {
        await lab.engine.podman('rmi', '-f', '--ignore', `${host}/${name}:1`);
      }
    });
  }
});
