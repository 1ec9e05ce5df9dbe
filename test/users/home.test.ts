import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { type Machine, main, type Outcome, startMachine } from '../support/berth.ts';
import { buildImage } from '../support/image-builder.ts';
import { home, mallory, secret, skip, writeShared } from './mallory.ts';

const name = (image: string) => `registry.example.com/${image}`;
const configuration = `${home}/.config`;
const quadlets = `${configuration}/containers/systemd`;
const services = `${configuration}/systemd/user`;
const bound = '[X-Berth]\nBind=yes\n';
const container = (image: string, more = '') =>
  `[Container]\nImage=${name(image)}\n${more}${bound}`;

/** The engine of the user, who has no name on the machine that runs the test. */
const engine = `podman:${mallory}`;

/** A machine without podman, on which another user than root runs berth. */
interface UserMachine extends Machine {
  berthAs(uid: number, ...words: string[]): Promise<Outcome>;
}

async function startUserMachine(t: TestContext): Promise<UserMachine> {
  const machine = await startMachine(t);
  const { directory, environment } = machine;
  environment['PATH'] = '/nonexistent';
  delete environment['NODE_COMPILE_CACHE'];
  const state = join(directory, 'state-of-user');
  mkdirSync(state, { mode: 0o700 });
  chownSync(state, mallory, mallory);
  chmodSync(directory, 0o755);
  const berthAs = (uid: number, ...words: string[]) =>
    machine.program(
      '/usr/bin/setpriv',
      `--reuid=${uid}`,
      `--regid=${uid}`,
      '--clear-groups',
      process.execPath,
      main,
      ...words,
      '--state-dir',
      state,
    );
  return { ...machine, berthAs };
}

/** An OS with units of its own, and a user with a private home. */
function writeOs(machine: Machine, files: Readonly<Record<string, string>>): string {
  for (const [seed, tag] of ['app', 'all', 'own', 'plain', 'run'].entries()) {
    machine.registry.push(`${tag}:1`, buildImage({ layers: [{ bytes: 1000, seed }] }));
  }
  const root = writeShared(
    join(machine.directory, 'root'),
    {
      'usr/lib/systemd/user/default.target': '[Unit]\n',
      'usr/share/containers/systemd/app.container': container('app:1'),
      'usr/share/containers/systemd/secret.container': container(
        'secret:${TAG}',
        '[Service]\nEnvironmentFile=/etc/secret.env\n',
      ),
      'etc/secret.env': `TAG=${secret}\n`,
      'etc/containers/systemd/users/all.container': container('all:1'),
      'etc/containers/systemd/users/1000/other.container': container('other:1'),
      ...files,
    },
    { 'etc/secret.env': 0o600 },
  );
  chmodSync(join(root, home), 0o700);
  return root;
}

interface Listed {
  readonly images: readonly {
    readonly image: string;
    readonly references: readonly { engine: string; path: string; scope?: string }[];
  }[];
  readonly problems: readonly { code: string; path: string; message: string; bound: boolean }[];
}

async function listed(machine: UserMachine, ...words: string[]): Promise<Listed> {
  const json = ['images', '--format', 'json', ...words];
  const { code, stdout, stderr } = await machine.berthAs(mallory, ...json);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as Listed;
}

test('a user stages the units in the own home, and nothing else keeps them from being ready', {
  skip,
}, async (t) => {
  const machine = await startUserMachine(t);
  const root = writeOs(machine, {
    [`${quadlets}/own.container`]: container(
      '${NAME}:1',
      '[Service]\nEnvironmentFile=%h/app.env\n',
    ),
    [`${home}/app.env`]: 'NAME=own\n',
    [`${services}/plain.service`]: `[Service]\nExecStart=/bin/true\n`,
    [`${services}/plain.service.d/image.conf`]: `[Service]\nExecStart=\nExecStart=/usr/bin/podman run ${name('plain:1')}\n${bound}`,
    [`${services}/linked.service`]: `-> /${home}/dotfiles/linked.service`,
    [`${home}/dotfiles/linked.service`]: `[Service]\nExecStart=/usr/bin/podman run ${name('run:1')}\n${bound}`,
  });
  const { images, problems } = await listed(machine, '--user', root);
  assert.deepEqual(images.map(({ image }) => image).toSorted(), [
    name('all:1'),
    name('own:1'),
    name('plain:1'),
    name('run:1'),
  ]);
  for (const { references } of images) {
    assert.deepEqual([...new Set(references.map((one) => one.engine))], [engine]);
  }
  assert.deepEqual(problems, []);

  const planned = await machine.berthAs(mallory, 'plan', '--user', '--format', 'refs', root);
  assert.equal(planned.code, 0, planned.stderr);
  assert.equal(planned.stdout.split('\n').filter(Boolean).length, 4);

  const staged = await machine.berthAs(mallory, 'stage', '--user', '--id', 'os', root);
  assert.equal(staged.code, 0, staged.stderr);
  const verified = await machine.berthAs(mallory, 'verify', '--user', 'os');
  assert.equal(verified.code, 0, verified.stderr);
  assert.match(verified.stdout, new RegExp(`4 images downloaded, which ${engine} takes`));
  const why = await machine.berthAs(mallory, 'why', '--user', name('own:1'), root);
  assert.match(
    why.stdout,
    new RegExp(`/${quadlets}/own\\.container:2\\), run by ${engine}: bound`),
  );
  const asked = machine.registry.requests.map(({ path }) => path).join('\n');
  assert.doesNotMatch(asked, /\/v2\/(?:app|other|secret)\//);
});

test('without --user, a user sees the units of the OS beside those in the own home', {
  skip,
}, async (t) => {
  const machine = await startUserMachine(t);
  const root = writeOs(machine, { [`${quadlets}/own.container`]: container('own:1') });
  const { images } = await listed(machine, root);
  const engines = new Map(
    images.map(({ image, references }) => [image, references.map((one) => one.engine)]),
  );
  assert.deepEqual(engines.get(name('app:1')), ['podman']);
  assert.deepEqual(engines.get(name('own:1')), [engine]);
  assert.deepEqual(engines.get(name('other:1')), ['podman:1000']);
});

test('the auth file of an own unit is read with the user’s rights', { skip }, async (t) => {
  const machine = await startUserMachine(t);
  const auth = Buffer.from('mallory:password').toString('base64');
  const root = writeOs(machine, {
    [`${quadlets}/own.image`]: `[Image]\nImage=${name('own:1')}\nAuthFile=%h/auth.json\nPolicy=missing\n${bound}`,
    [`${quadlets}/stolen.image`]: `[Image]\nImage=${name('run:1')}\nAuthFile=/etc/auth.json\nPolicy=missing\n${bound}`,
    [`${home}/auth.json`]: `{"auths":{"registry.example.com":{"auth":"${auth}"}}}`,
    'etc/auth.json': `{"auths":{"registry.example.com":{"auth":"${auth}"}}}`,
  });
  chmodSync(join(root, 'etc/auth.json'), 0o600);
  const { stderr } = await machine.berthAs(mallory, 'plan', '--user', root);
  assert.match(stderr, /problem auth-file .*stolen\.image:2: .*permission denied/);
  assert.doesNotMatch(stderr, /own\.image/);
});

test('what others may write in a home is not read, and a FIFO holds nobody up', {
  skip,
}, async (t) => {
  const machine = await startUserMachine(t);
  const root = writeOs(machine, {
    [`${quadlets}/own.container`]: container('own:1'),
    [`${quadlets}/theirs.container`]: container('run:1'),
    [`${quadlets}/open.container`]: container('plain:1'),
    [`${services}/.keep`]: '',
  });
  chownSync(join(root, quadlets, 'theirs.container'), 1000, 1000);
  chmodSync(join(root, quadlets, 'open.container'), 0o666);
  for (const pipe of [join(root, quadlets, 'pipe.container'), join(root, services, 'p.service')]) {
    const { code } = await machine.program('/usr/bin/mkfifo', pipe);
    assert.equal(code, 0);
    chownSync(pipe, mallory, mallory);
  }
  const { images, problems } = await listed(machine, '--user', root);
  assert.deepEqual(images.map(({ image }) => image).toSorted(), [name('all:1'), name('own:1')]);
  const at = problems.map(({ code, path }) => `${code} ${path.slice(path.lastIndexOf('/') + 1)}`);
  assert.deepEqual(at.toSorted(), [
    'not-a-file p.service',
    'not-a-file pipe.container',
    // podman's generator reads no file of a directory in which it can't read one.
    'syntax own.container',
    'user-writable open.container',
    'user-writable theirs.container',
  ]);
});

test('only the calling user’s home is read: not by others, and not by root', {
  skip,
}, async (t) => {
  const machine = await startUserMachine(t);
  const root = writeOs(machine, { [`${quadlets}/own.container`]: container('own:1') });
  chmodSync(join(root, home), 0o755);
  const byOther = await machine.berthAs(4712, 'images', '--user', '--format', 'refs', root);
  assert.deepEqual(byOther.stdout.split('\n').filter(Boolean), [name('all:1')]);
  for (const whose of [[], ['--user']]) {
    const byRoot = await machine.berth('images', ...whose, '--format', 'refs', root);
    assert.equal(byRoot.code, 0, byRoot.stderr);
    assert.doesNotMatch(byRoot.stdout, /own:1/);
  }
  const { stderr } = await machine.berth('images', root);
  assert.match(stderr, /note user-writable .* in the home of mallory: .*never keep the OS/);
  assert.match(stderr, /berth stage --user/);
});

test('the directories of the user are where the environment says', { skip }, async (t) => {
  const machine = await startUserMachine(t);
  const runtime = `${home}/runtime`;
  const root = writeOs(machine, {
    [`${quadlets}/own.container`]: container('own:1'),
    [`${home}/conf/containers/systemd/plain.container`]: container('plain:1'),
    [`${runtime}/containers/systemd/run.container`]: container('run:1'),
    [`${home}/data/systemd/user/app.service`]: `[Service]\nExecStart=/usr/bin/podman run ${name('app:1')}\n`,
  });
  machine.environment['XDG_CONFIG_HOME'] = `/${home}/conf`;
  machine.environment['XDG_RUNTIME_DIR'] = `/${runtime}`;
  machine.environment['XDG_DATA_HOME'] = `/${home}/data`;
  const { images } = await listed(machine, '--user', root);
  assert.deepEqual(images.map(({ image }) => image).toSorted(), [
    name('all:1'),
    name('app:1'),
    name('plain:1'),
    name('run:1'),
  ]);
});
