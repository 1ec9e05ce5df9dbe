import assert from 'node:assert/strict';
import { test } from 'node:test';
import { discover } from '../../../src/discovery/discover.ts';
import { rootOf, shortNames, type Tree } from '../../support/tree.ts';

const units = '/usr/lib/systemd/system';

function service(name: string): Tree {
  return {
    [`${units}/${name}`]: '[Service]\nExecStart=/usr/bin/x\n',
    [`${units}/multi-user.target.wants/${name}`]: `-> ../${name}`,
  };
}

const base: Tree = {
  '/etc/os-release': 'ID=x\n',
  [`${units}/default.target`]: '-> multi-user.target',
  [`${units}/multi-user.target`]: '[Unit]\n',
};
const script = '#!/bin/sh\npodman run q.io/script:1\n';

/** What a tree names: `image activation unit place`, and the other problems. */
async function named(t: Parameters<typeof rootOf>[0], tree: Tree): Promise<readonly string[]> {
  const root = rootOf(t, { ...base, ...tree });
  const { references, problems } = await discover(root, { shortNames, architecture: 'x86-64' });
  return [
    ...references.map(
      ({ image, activation, unit, path, line, engine, problems: own }) =>
        `${image} ${activation} ${unit} ${path}:${line} ${engine}${own.map(({ code }) => ` ${code}`).join('')}`,
    ),
    ...problems.map(({ code, path, line }) => `${code} ${path}:${line}`),
  ];
}

const crontab = [
  '# podman run q.io/comment:1',
  'PATH=/usr/bin:/opt/bin',
  'TAG = "7"',
  '*/5 * * * * root podman run q.io/a:$TAG date +\\%F',
  '@reboot root podman run q.io/b:1',
  '-0 4 * * 1-5 root nice podman pull q.io/c:1 >/dev/null 2>&1',
  '0 0 * * * root sh%podman run q.io/d:1%true',
  '0 0 * * * app podman run q.io/e:1',
  '0 0 * * * root run-parts --report /etc/cron.daily',
  '0 0 * * * root start-it',
  'SHELL=/usr/bin/python3',
  '0 0 * * * root podman run q.io/f:1',
  'not a job',
].join('\n');

test('commands of crontabs are found, with the time as what starts them', async (t) => {
  const tree = {
    ...service('cron.service'),
    '/etc/passwd': 'root:x:0:0::/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n',
    '/etc/crontab': `${crontab}\n`,
    '/etc/cron.d/one': '1 1 * * * root podman run q.io/one:1\n',
    '/etc/cron.d/two.conf': '1 1 * * * root podman run q.io/two:1\n',
    '/etc/cron.d/.placeholder': '1 1 * * * root podman run q.io/three:1\n',
    '/etc/cron.daily/x': script,
    '/etc/cron.daily/passed.over': script,
    '/opt/bin/start-it': '#!/bin/sh\npodman run q.io/on-path:1\n',
  };
  assert.deepEqual(await named(t, tree), [
    'q.io/one:1 timer cron.service /etc/cron.d/one:1 podman',
    'q.io/a:7 timer cron.service /etc/crontab:4 podman',
    'q.io/b:1 boot cron.service /etc/crontab:5 podman',
    'q.io/c:1 timer cron.service /etc/crontab:6 podman',
    'q.io/d:1 timer cron.service /etc/crontab:7 podman',
    'q.io/e:1 timer cron.service /etc/crontab:8 podman:app',
    'q.io/script:1 timer cron.service /etc/crontab:9 podman',
    'q.io/on-path:1 timer cron.service /etc/crontab:10 podman',
    'command-line /etc/crontab:12',
  ]);
});

test('the tables of cronie and anacron are read by their rules, and none without a daemon', async (t) => {
  const tree = {
    '/etc/crontab': '1 1 * * * root podman run q.io/a:1\n',
    '/etc/cron.d/b.conf': '1 1 * * * root podman run q.io/b:1\n',
    '/etc/cron.d/c~': '1 1 * * * root podman run q.io/c:1\n',
    '/etc/anacrontab':
      'MAILTO=root\n1 5 cron.daily nice run-parts /etc/cron.daily\n@monthly 9 m podman pull q.io/m:1\n',
    '/etc/cron.daily/x.sh': script,
    '/usr/bin/run-parts': '#!/bin/bash\nfor i in "$1"/*; do "$i"; done\n',
  };
  assert.deepEqual(await named(t, { ...tree, ...service('crond.service') }), [
    'q.io/script:1 timer crond.service /etc/anacrontab:2 podman',
    'q.io/m:1 timer crond.service /etc/anacrontab:3 podman',
    'q.io/b:1 timer crond.service /etc/cron.d/b.conf:1 podman',
    'q.io/a:1 timer crond.service /etc/crontab:1 podman',
  ]);
  assert.deepEqual(await named(t, tree), []);
  const masked = { ...tree, [`${units}/crond.service`]: '-> /dev/null' };
  assert.deepEqual(await named(t, masked), []);
});

test('scripts of greenboot and of NetworkManager’s dispatcher are found', async (t) => {
  const tree = {
    '/usr/lib/greenboot/check/required.d/10-app.sh': script,
    '/etc/NetworkManager/dispatcher.d/20-app': '#!/bin/sh\n[ "$2" = up ] && docker run q.io/nm:1\n',
  };
  assert.deepEqual(await named(t, tree), []);
  const started = { ...tree, ...service('greenboot-healthcheck.service') };
  assert.deepEqual(
    await named(t, {
      ...started,
      [`${units}/NetworkManager-dispatcher.service`]: '[Service]\nExecStart=/x\n',
    }),
    [
      'q.io/nm:1 none NetworkManager-dispatcher.service /etc/NetworkManager/dispatcher.d/20-app:1 docker',
      'q.io/script:1 boot greenboot-healthcheck.service /usr/lib/greenboot/check/required.d/10-app.sh:1 podman',
    ],
  );
});

test('scripts of init.d are services, unless a unit has their name', async (t) => {
  const sysv =
    '#!/bin/sh\ncase "$1" in\nstart) podman run q.io/up:1 ;;\nother) podman run q.io/no:1 ;;\nesac\n';
  const tree = {
    ...service('native.service'),
    '/etc/init.d/app': sysv,
    '/etc/init.d/off': sysv,
    '/etc/init.d/native': sysv,
    '/etc/rc3.d/S20app': '-> ../init.d/app',
    '/etc/rc3.d/K20off': '-> ../init.d/off',
  };
  const found = [
    'q.io/up:1 boot app.service /etc/init.d/app:1 podman',
    'q.io/up:1 none off.service /etc/init.d/off:1 podman',
  ];
  assert.deepEqual(await named(t, tree), found);
  const generators = '/usr/lib/systemd/system-generators';
  const without = { ...tree, [`${generators}/systemd-fstab-generator`]: '' };
  assert.deepEqual(await named(t, without), []);
  const both = { ...without, [`${generators}/systemd-sysv-generator`]: '' };
  assert.deepEqual(await named(t, both), found);
});

test('the commands of sockets are found', async (t) => {
  const socket =
    '[Socket]\nEnvironment=TAG=1\nExecStartPre=/usr/bin/podman run q.io/a:${TAG}\nExecStopPost=-podman pull q.io/b:1\n';
  const tree = {
    [`${units}/a.socket`]: socket,
    [`${units}/b@.socket`]: '[Socket]\nExecStartPost=podman run q.io/c:%i\n',
    [`${units}/multi-user.target.wants/a.socket`]: '-> ../a.socket',
    [`${units}/multi-user.target.wants/b@2.socket`]: '-> ../b@.socket',
    [`${units}/c.mount`]: '[Mount]\nExecStartPre=podman run q.io/d:1\n',
  };
  assert.deepEqual(await named(t, tree), [
    `q.io/a:1 boot a.socket ${units}/a.socket:3 podman`,
    `q.io/b:1 boot a.socket ${units}/a.socket:4 podman`,
    `q.io/c:2 boot b@2.socket ${units}/b@.socket:2 podman`,
  ]);
});
