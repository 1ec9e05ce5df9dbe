import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { discover } from '../../../src/discovery/discover.ts';
import type { Discovered } from '../../../src/discovery/reference.ts';
import { readAccounts } from '../../../src/discovery/users/accounts.ts';
import { type Self, scopeOfSelf } from '../../../src/discovery/users/self.ts';
import { unitSearchPath } from '../../../src/systemd/unit-search-path.ts';
import {
  container,
  images,
  problems,
  rootOf,
  shortNames,
  type Tree,
  units,
} from '../../support/tree.ts';

const eve: Self = {
  uid: 1000,
  gid: 1000,
  name: 'eve',
  home: '/home/eve',
  engine: 'podman:eve',
  alone: true,
};

const passwd = ['eve:x:1000:1001::/home/eve:/bin/sh', 'ann:x:1001:1001::/home/ann:/bin/sh'].join(
  '\n',
);

const quadlets = '/home/eve/.config/containers/systemd';
const run = (image: string) => `[Service]\nExecStart=/usr/bin/podman run ${image}\n`;

/** An OS with units for the system, for all users and for each of two users. */
const os: Tree = {
  '/etc/passwd': passwd,
  '/usr/lib/systemd/user/default.target': '[Unit]\n',
  [`${units}/system.container`]: container('q.io/system'),
  [`${units}/sub/wrong.container`]: 'nonsense',
  [`${units}/users/all.container`]: container('q.io/all'),
  [`${units}/users/1000/eves.container`]: container('q.io/eves'),
  [`${units}/users/1001/anns.container`]: container('q.io/anns'),
  '/usr/lib/systemd/system/job.service': `[Service]\nUser=eve\nExecStart=/usr/bin/podman run q.io/job\n`,
  '/usr/lib/berth/images.d/a.list': 'q.io/list\n',
};

function readFor(t: TestContext, self: Self, tree: Tree): Promise<Discovered> {
  return discover(rootOf(t, tree), { shortNames, architecture: 'x86-64', self });
}

test('a run for one user sees what the podman of this user runs, and no more', async (t) => {
  const found = await readFor(t, eve, {
    ...os,
    [`${quadlets}/own.container`]: container('q.io/own'),
  });
  assert.deepEqual(images(found).toSorted(), [
    'all.service q.io/all:latest',
    'eves.service q.io/eves:latest',
    'job.service q.io/job:latest',
    'own.service q.io/own:latest',
  ]);
  assert.deepEqual(new Set(found.references.map(({ engine }) => engine)), new Set(['podman:eve']));
  assert.deepEqual(problems(found), []);
});

test('a run by a user that is not for this user alone sees everything, each unit once', async (t) => {
  const self = { ...eve, alone: false };
  const found = await readFor(t, self, {
    ...os,
    '/var/lib/systemd/linger/eve': '',
    [`${quadlets}/own.container`]: container('q.io/own'),
  });
  assert.deepEqual(found.references.map(({ image, engine }) => `${image} ${engine}`).toSorted(), [
    'q.io/all:latest podman:eve',
    'q.io/anns:latest podman:ann',
    'q.io/eves:latest podman:eve',
    'q.io/job:latest podman:eve',
    'q.io/list:latest podman',
    'q.io/own:latest podman:eve',
    'q.io/system:latest podman',
  ]);
  assert.deepEqual(problems(found), [`syntax ${units}/sub/wrong.container:1`]);
});

test('units in the home go before those of the OS, and drop-ins and links count', async (t) => {
  const found = await readFor(
    t,
    { ...eve, runtime: '/run/user/1000' },
    {
      ...os,
      [`${quadlets}/all.container`]: container('q.io/hidden'),
      '/run/user/1000/containers/systemd/all.container': container('q.io/runtime'),
      [`${quadlets}/eves.container.d/image.conf`]: container('q.io/dropped'),
      [`${quadlets}/link.container`]: '-> /home/eve/dotfiles/link.container',
      '/home/eve/dotfiles/link.container': container('q.io/linked'),
      '/home/eve/.config/systemd/user.control/app.service': run('q.io/control'),
      '/home/eve/.config/systemd/user/app.service': run('q.io/config'),
      '/home/eve/.local/share/systemd/user/app.service': run('q.io/data'),
      '/home/eve/.local/share/systemd/user/late.service': run('q.io/late'),
    },
  );
  assert.deepEqual(images(found).toSorted(), [
    'all.service q.io/runtime:latest',
    'app.service q.io/control:latest',
    'eves.service q.io/dropped:latest',
    'job.service q.io/job:latest',
    'late.service q.io/late:latest',
    'link.service q.io/linked:latest',
  ]);
});

test('a unit of a private home is quoted to its user, and a file that it cites to nobody', async (t) => {
  const root = rootOf(t, {
    ...os,
    [`${quadlets}/own.container`]: '[Container]\nImage=UPPER\n',
    [`${quadlets}/play.kube`]: '[Kube]\nYaml=%h/pod.yaml\n',
    '/home/eve/pod.yaml': 'kind: Pod\nspec: {containers: [{name: c, image: "No s3cr3t"}]}\n',
  });
  chmodSync(join(root.location, 'home/eve'), 0o700);
  const { references } = await discover(root, { shortNames, architecture: 'x86-64', self: eve });
  const messages = references
    .flatMap((one) => one.problems)
    .map(({ path, message }) => `${path} ${message}`);
  assert.match(messages.find((message) => message.includes('own.container')) ?? '', /UPPER/);
  assert.match(messages.find((message) => message.includes('pod.yaml')) ?? '', /not quoted/);
  assert.doesNotMatch(messages.join('\n'), /s3cr3t/);
});

test('the home is that of the UID in the root, and the environment may name directories', (t) => {
  const root = rootOf(t, { '/etc/passwd': passwd });
  const accounts = readAccounts({ root, etc: '/etc' });
  const moved = { ...eve, uid: 1001, home: '/elsewhere' };
  assert.deepEqual(scopeOfSelf(moved, '/etc', accounts).own, {
    configuration: '/home/ann/.config',
    data: '/home/ann/.local/share',
  });
  const unknown = { ...eve, uid: 7, configuration: '/c', data: '/d', runtime: '/r/' };
  const { account, own } = scopeOfSelf(unknown, '/etc', accounts);
  assert.deepEqual([account?.name, account?.home], ['eve', '/home/eve']);
  assert.deepEqual(own, { configuration: '/c', data: '/d', runtime: '/r' });
});

test("the search path of a user's systemd", () => {
  const own = { configuration: '/c', data: '/d', runtime: '/r' };
  const all = unitSearchPath('/etc', 'user', own);
  assert.deepEqual(
    all.filter((path) => /^\/[cdr]\//.test(path)),
    [
      '/c/systemd/user.control',
      '/r/systemd/user.control',
      '/r/systemd/transient',
      '/c/systemd/user',
      '/r/systemd/user',
      '/d/systemd/user',
    ],
  );
  assert.ok(all.indexOf('/etc/systemd/user') < all.indexOf('/r/systemd/user'));
  assert.ok(all.indexOf('/d/systemd/user') < all.indexOf('/usr/lib/systemd/user'));
});
