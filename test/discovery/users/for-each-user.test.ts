import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Reference } from '../../../src/discovery/reference.ts';
import type { Account } from '../../../src/discovery/users/accounts.ts';
import { forEachUser, type RootUsers } from '../../../src/discovery/users/for-each-user.ts';
import { container, discovered, problems, type Tree } from '../../support/tree.ts';

const users = '/etc/containers/systemd/users';

const passwd = [
  'root:x:0:0::/root:/bin/bash',
  'eve:x:1000:1000::/home/eve:/bin/bash',
  'bob:x:1001:1001::/home/bob:',
  'svc:x:1002:1002::/srv:/usr/sbin/nologin',
  'bin:x:1003:1003::/bin:/bin/false',
  'low:x:999:999::/home/low:/bin/sh',
  'nobody:x:65534:65534::/:/bin/sh',
].join('\n');

const common = { [`${users}/a.container`]: container('q.io/a') };
const nobody = { '/etc/os-release': '' };
const people = { '/etc/passwd': passwd };
const linger = (...names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [`/var/lib/systemd/linger/${name}`, '']));

const tmpfiles = (text: string) => ({ '/usr/lib/tmpfiles.d/linger.conf': text });

/** Files of the root, and `engine unit` of each reference. */
const cases: readonly (readonly [string, Tree, readonly string[]])[] = [
  ['users who can log in', { ...people, ...common }, ['podman:eve a', 'podman:bob a']],
  ['a user who lingers', { ...people, ...common, ...linger('svc') }, ['podman:svc a']],
  [
    'two who linger',
    { ...people, ...common, ...linger('eve', 'svc') },
    ['podman:eve a', 'podman:svc a'],
  ],
  [
    'one user by name and UID',
    { ...people, ...common, ...linger('1000', 'eve') },
    ['podman:eve a'],
  ],
  ['a user of tomorrow', { ...people, ...common, ...linger('later') }, ['podman:later a']],
  ['root, who lingers', { ...people, ...common, ...linger('root') }, ['podman a']],
  [
    'a user whom the OS lets linger',
    {
      ...people,
      ...common,
      ...tmpfiles('# x\nd /var/lib/x\nf /var/lib/systemd/linger/svc 0644 - - -\n'),
    },
    ['podman:svc a'],
  ],
  [
    'users whom the OS lets linger at boot, in quotes',
    {
      ...people,
      ...common,
      ...tmpfiles('f+! "/var/lib/systemd/linger/bob"\nF /var/lib/systemd/linger/svc'),
    },
    ['podman:bob a', 'podman:svc a'],
  ],
  [
    'users whose line makes something else',
    {
      ...people,
      ...common,
      ...tmpfiles(
        'd /var/lib/systemd/linger/svc\n#f /var/lib/systemd/linger/svc\nf /var/lib/systemd/linger/%m',
      ),
    },
    ['podman:eve a', 'podman:bob a'],
  ],
  [
    'users whose files are links, copies, or named by a specifier',
    {
      ...people,
      ...common,
      ...tmpfiles(
        'L %S/systemd/linger/svc - - - - /dev/null\nC /var/lib/systemd/linger/bob - - - - /etc/passwd\nf /var/lib/systemd/linger/%u',
      ),
    },
    ['podman:svc a', 'podman:bob a', 'podman a'],
  ],
  [
    'users without those whom the OS removes at boot',
    { ...people, ...common, ...linger('bob', 'svc'), ...tmpfiles('r /var/lib/systemd/linger/b*') },
    ['podman:svc a'],
  ],
  [
    'a user whose file of tmpfiles.d is masked',
    {
      ...people,
      ...common,
      ...tmpfiles('f /var/lib/systemd/linger/svc'),
      '/etc/tmpfiles.d/linger.conf': '-> /dev/null',
    },
    ['podman:eve a', 'podman:bob a'],
  ],
  ['nobody', { ...nobody, ...common }, ['- a']],
  [
    'a UID with units of its own',
    { ...common, [`${users}/7/b.container`]: container('q.io/b') },
    ['podman:7 b', 'podman:7 a'],
  ],
  ['one user', { ...people, [`${users}/1001/b.container`]: container('q.io/b') }, ['podman:bob b']],
  [
    "a unit in a user's home that only root can have written",
    { ...people, '/home/eve/.config/containers/systemd/h.container': container('q.io/h') },
    ['podman:eve h'],
  ],
  [
    'plain services of users',
    {
      ...people,
      ...linger('eve'),
      '/usr/lib/systemd/user/d.service': '[Service]\nExecStart=docker run q.io/d:1\n',
      '/usr/lib/systemd/user/n.service': '[Service]\nExecStart=nerdctl run q.io/n:1\n',
      '/usr/lib/systemd/user/p.service': '[Service]\nUser=bob\nExecStart=podman run q.io/p:1\n',
    },
    ['docker d', '- n', 'podman:eve p'],
  ],
];

for (const [name, tree, expected] of cases) {
  test(`units for ${name}`, async (t) => {
    const found = await discovered(t, tree);
    const told = found.references.map(
      ({ engine = '-', unit }) => `${engine} ${unit.replace('.service', '')}`,
    );
    assert.deepEqual(told, expected);
    const unknown = expected.filter((one) => one.startsWith('-')).length;
    assert.equal(problems(found).length, unknown);
  });
}

test('an account has the home and UID of the passwd', async (t) => {
  const { accounts } = await discovered(t, { ...people, ...common, ...linger('eve', 'later') });
  assert.deepEqual(accounts, [{ name: 'eve', uid: 1000, home: '/home/eve' }, { name: 'later' }]);
});

test('many units for many users are read up to a limit, and more are a problem', () => {
  const references = Array.from({ length: 300 }, () => reference);
  const found = forEachUser({ references, problems: [] }, accountsOf(1_000));
  assert.equal(found.references.length, 300 * Math.floor(100_000 / 300));
  assert.deepEqual(
    found.problems.map(({ code, subject }) => [code, subject]),
    [['too-many-entries', { unitPath: '/u', unit: 'u.service' }]],
  );
});

const reference: Reference = {
  raw: 'q.io/a',
  path: '/u',
  line: 1,
  key: 'Image',
  kind: 'container',
  unit: 'u.service',
  unitPath: '/u',
  scope: 'user',
  activation: 'boot',
  via: [],
  pull: { policy: 'missing' },
  problems: [],
};

function accountsOf(count: number): RootUsers {
  const all = Array.from({ length: count }, (_, at): Account => {
    const uid = 1_000 + at;
    return { uid, gid: uid, name: `u${uid}`, home: '/', shell: '/bin/sh' };
  });
  return {
    lingering: new Set(),
    scopes: [],
    accounts: {
      byUid: new Map(all.map((one) => [one.uid, one])),
      byName: new Map(all.map((one) => [one.name, one])),
      problems: [],
    },
  };
}
