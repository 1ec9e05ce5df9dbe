import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Discovered } from '../../../src/discovery/reference.ts';
import { readAccounts } from '../../../src/discovery/users/accounts.ts';
import { openRoot } from '../../../src/root/open-root.ts';
import { holds } from '../../support/property.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { container, discovered, problems, units, writeTree } from '../../support/tree.ts';

const etcUsers = '/etc/containers/systemd/users';

const passwd = [
  'root:x:0:0::/root:/bin/sh',
  'nobody:x:65534:65534::/:/sbin/nologin',
  'off:x:9:9::/dev/null:/sbin/nologin',
  'eve:x:1000:1001:Eve,,,:/home/eve:/bin/sh',
].join('\n');

const userTarget = { '/usr/lib/systemd/user/default.target': '[Unit]\n' };

function startedBy(target: string, image: string): string {
  return `${container(image)}[Install]\nWantedBy=${target}\n`;
}

/** The references as `scope unit image`, in the order of their places. */
function scoped({ references }: Discovered): string[] {
  return references.map(({ scope, unit, image }) => `${scope} ${unit} ${image ?? '-'}`);
}

test("units for all users, for one user and in a user's home are found", async (t) => {
  const found = await discovered(t, {
    '/etc/passwd': passwd,
    [`${etcUsers}/a.container`]: container('q.io/a'),
    [`${etcUsers}/more/b.container`]: container('q.io/b'),
    [`${etcUsers}/1000/c.container`]: container('q.io/c'),
    [`${etcUsers}/2000/d.container`]: container('q.io/d'),
    [`${etcUsers}/007/never.container`]: container('q.io/never'),
    [`${units}/users/e.container`]: container('q.io/e'),
    [`${units}/users/1000/f.container`]: container('q.io/f'),
    '/home/eve/.config/containers/systemd/g.container': container('q.io/g'),
    [`${units}/usersnot/h.container`]: container('q.io/h'),
  });
  assert.deepEqual(scoped(found), [
    'user:1000 c.service q.io/c:latest',
    'user:2000 d.service q.io/d:latest',
    'user a.service q.io/a:latest',
    'user b.service q.io/b:latest',
    'user:1000 g.service q.io/g:latest',
    'user:1000 f.service q.io/f:latest',
    'user e.service q.io/e:latest',
    'system h.service q.io/h:latest',
  ]);
  assert.deepEqual(problems(found), []);
});

test('units in a home override those for all users, which override those for a UID', async (t) => {
  const found = await discovered(t, {
    '/etc/passwd': passwd,
    '/home/eve/.config/containers/systemd/a.container': container('q.io/home'),
    [`${etcUsers}/a.container`]: container('q.io/all'),
    [`${etcUsers}/b.container`]: container('q.io/all'),
    [`${etcUsers}/1000/b.container`]: container('q.io/hidden'),
    [`${etcUsers}/1000/c.container`]: container('q.io/uid'),
    [`${units}/users/c.container`]: container('q.io/usr'),
  });
  assert.deepEqual(scoped(found), [
    'user:1000 c.service q.io/uid:latest',
    'user a.service q.io/all:latest',
    'user b.service q.io/all:latest',
    'user:1000 a.service q.io/home:latest',
    'user c.service q.io/usr:latest',
  ]);
});

test("a user's unit may refer to units for all users, whose problems are reported once", async (t) => {
  const found = await discovered(t, {
    [`${etcUsers}/x.image`]: '[Image]\nImage=q.io/x:1\nPolicy=missing\n',
    [`${etcUsers}/sub/bad.container`]: 'nonsense',
    [`${etcUsers}/1000/a.container`]: container('x.image'),
    [`${etcUsers}/1000/b.container`]: container('UPPER'),
  });
  assert.deepEqual(scoped(found), [
    'user:1000 a.service q.io/x:1',
    'user:1000 b.service -',
    'user x-image.service q.io/x:1',
  ]);
  assert.deepEqual(problems(found), [
    `image-name ${etcUsers}/1000/b.container:2`,
    `syntax ${etcUsers}/sub/bad.container:1`,
  ]);
  assert.equal(found.problems[0]?.subject?.unitPath, `${etcUsers}/sub/bad.container`);
});

test('specifiers are replaced for one user, and unknown for all users', async (t) => {
  const all = '%u-%U-%G%h%t';
  const found = await discovered(t, {
    '/usr/lib/passwd': passwd,
    [`${etcUsers}/1000/a.container`]: container(`q.io/a/${all}`),
    [`${etcUsers}/2000/b.container`]: container('q.io%t/b'),
    [`${etcUsers}/2000/c.container`]: container('q.io%h/c'),
    [`${etcUsers}/d.container`]: container('q.io%t/d'),
  });
  assert.deepEqual(scoped(found), [
    'user:1000 a.service q.io/a/eve-1000-1001/home/eve/run/user/1000:latest',
    'user:2000 b.service q.io/run/user/2000/b:latest',
    'user:2000 c.service -',
    'user d.service -',
  ]);
  assert.deepEqual(problems(found), [
    `specifier ${etcUsers}/2000/c.container:2`,
    `specifier ${etcUsers}/d.container:2`,
  ]);
});

test('a user who lingers has a manager at boot, others only when they log in', async (t) => {
  const tree = {
    ...userTarget,
    '/etc/passwd': passwd,
    [`${etcUsers}/all.container`]: startedBy('default.target', 'q.io/all'),
    [`${etcUsers}/none.container`]: container('q.io/none'),
    [`${etcUsers}/1000/own.container`]: startedBy('default.target', 'q.io/own'),
    [`${units}/own.container`]: container('q.io/system'),
  };
  const starts = ({ references }: Discovered) =>
    references.map(({ unit, activation, via }) => `${unit} ${activation} ${via.join(' ')}`.trim());
  const login = starts(await discovered(t, tree));
  assert.deepEqual(login, [
    'own.service unknown user@1000.service default.target own.service',
    'all.service unknown user@.service default.target all.service',
    'none.service none',
    'own.service unknown',
  ]);
  const lingering = starts(await discovered(t, { ...tree, '/var/lib/systemd/linger/eve': '' }));
  assert.deepEqual(lingering, [
    'own.service boot user@1000.service default.target own.service',
    'all.service boot user@.service default.target all.service',
    'none.service none',
    'own.service unknown',
  ]);
});

test('a service of the administrator takes precedence for users too, without a problem if it is a mask', async (t) => {
  const found = await discovered(t, {
    [`${etcUsers}/a.container`]: container('q.io/a'),
    [`${etcUsers}/1000/b.container`]: container('q.io/b'),
    [`${etcUsers}/1000/c.container`]: container('q.io/c'),
    '/etc/systemd/user/a.service': '[Service]\nExecStart=/bin/true\n',
    '/etc/systemd/user/b.service': '-> /dev/null',
    '/etc/systemd/system/c.service': '-> /dev/null',
  });
  assert.deepEqual(scoped(found), ['user:1000 c.service q.io/c:latest']);
  assert.deepEqual(problems(found), [`overridden ${etcUsers}/a.container:2`]);
});

test('plain services of users count once, with or without Quadlet units beside them', async (t) => {
  const run = (image: string) =>
    `[Service]\nExecStart=/usr/bin/podman run --rm ${image}\n[Install]\nWantedBy=default.target\n`;
  const tree = {
    ...userTarget,
    '/usr/lib/systemd/user/a.service': run('q.io/a:1'),
    '/usr/lib/systemd/user/b@.service': run('q.io/b:%i'),
    '/etc/systemd/user/default.target.wants/b@2.service': '-> /usr/lib/systemd/user/b@.service',
    '/var/lib/systemd/linger/eve': '',
  };
  const plain = await discovered(t, tree);
  assert.deepEqual(scoped(plain), ['user a.service q.io/a:1', 'user b@2.service q.io/b:2']);
  assert.deepEqual(plain.references[1]?.via, ['user@.service', 'default.target', 'b@2.service']);
  const beside = await discovered(t, {
    ...tree,
    [`${etcUsers}/1000/c.container`]: container('q.io/c'),
  });
  assert.deepEqual(scoped(beside), [
    'user:1000 c.service q.io/c:latest',
    'user a.service q.io/a:1',
    'user b@2.service q.io/b:2',
  ]);
});

test("a user's own configuration starts units, takes precedence and may hold services", async (t) => {
  const own = '/home/eve/.config/systemd/user';
  const found = await discovered(t, {
    ...userTarget,
    '/etc/passwd': passwd,
    '/var/lib/systemd/linger/eve': '',
    [`${etcUsers}/1000/a.container`]: container('q.io/a'),
    [`${etcUsers}/1000/b.container`]: container('q.io/b'),
    [`${own}/b.service`]: '-> /dev/null',
    [`${own}/c.service`]: '[Unit]\nWants=a.service\n[Service]\nExecStart=podman run q.io/c:1\n',
    [`${own}/default.target.wants/c.service`]: `-> ${own}/c.service`,
  });
  assert.deepEqual(problems(found), []);
  assert.deepEqual(
    found.references.map(({ scope, unit, activation }) => `${scope} ${unit} ${activation}`),
    ['user:1000 a.service boot', 'user:1000 c.service boot'],
  );
});

test('links may bind units of users', async (t) => {
  const found = await discovered(t, {
    [`${etcUsers}/a.container`]: container('q.io/a'),
    [`${etcUsers}/1000/b.container`]: container('q.io/b'),
    '/usr/lib/berth/bound.d/a.container': `-> ${etcUsers}/a.container`,
    '/usr/lib/berth/bound.d/b.container': `-> ${etcUsers}/1000/b.container`,
  });
  assert.deepEqual(problems(found), []);
  assert.equal(found.links.length, 2);
});

test('invalid homes are skipped, and a loop of links is reported', async (t) => {
  const homes = [
    '/',
    '/nonexistent',
    '/dev/null',
    'home',
    '',
    '/../..',
    '/loop',
    '/etc/x',
    '/bin/f',
  ];
  const found = await discovered(t, {
    '/etc/passwd': homes.map((home, uid) => `u${uid}:x:${uid}:0::${home}:/bin/sh`).join('\n'),
    '/loop': '-> loop',
    '/bin/f': 'a file',
    '/.config/containers/systemd/never.container': container('q.io/never'),
    '/home/.config/containers/systemd/never.container': container('q.io/never'),
    '/etc/x/.config/containers/systemd': '-> /opt/units',
    '/opt/units/a.container': container('q.io/a'),
  });
  assert.deepEqual(scoped(found), ['user:7 a.service q.io/a:latest']);
  assert.deepEqual(problems(found), ['too-many-links /loop/.config']);
});

test('a passwd that is too large is a problem and hides no other unit', async (t) => {
  const found = await discovered(t, {
    '/etc/passwd': Buffer.alloc(1024 * 1024 + 1, 'x'),
    [`${etcUsers}/1000/a.container`]: container('q.io/a'),
  });
  assert.deepEqual(scoped(found), ['user:1000 a.service q.io/a:latest']);
  assert.deepEqual(problems(found), ['too-large /etc/passwd']);
});

test('users with units of their own are read up to a limit, and more are a problem', async (t) => {
  const directories = Array.from({ length: 101 }, (_, uid) => `${etcUsers}/${uid}/a.container`);
  const found = await discovered(
    t,
    Object.fromEntries(directories.map((path) => [path, container('q.io/a')])),
  );
  assert.equal(found.references.length, 100);
  assert.deepEqual(problems(found), [`too-many-entries ${etcUsers}`]);
});

test('in an ostree tree that was never booted, users are read from /usr/etc, too', async (t) => {
  const found = await discovered(t, {
    '/usr/etc/passwd': passwd,
    '/usr/etc/containers/systemd/users/1000/a.container': container('q.io/%u'),
    '/usr/etc/containers/systemd/users/2000': '-> ../../../../usr/lib/more',
    '/usr/lib/more/b.container': container('q.io/b'),
  });
  assert.deepEqual(scoped(found), [
    'user:1000 a.service q.io/eve:latest',
    // The link's target is not named by a UID, so podman, too, reads it for all users.
    'user b.service q.io/b:latest',
  ]);
  assert.deepEqual(problems(found), []);
});

test('any text is read as a passwd without an exception', () => {
  const parts = fc.array(fc.constantFrom(':', '\n', '0', 'x', '/h', '-1', '99999999999'));
  const property = fc.property(parts, (text) => {
    const root = { readFile: () => ({ realPath: '/', content: Buffer.from(text.join('')) }) };
    const { byUid } = readAccounts({ root: root as never, etc: '/etc' });
    for (const { uid, name } of byUid.values()) assert.ok(uid >= 0 && name !== '');
  });
  return holds(100, property);
});

test('more users than berth reads are a problem', (t) => {
  const directory = temporaryDirectory(t);
  const lines = Array.from({ length: 1_001 }, (_, uid) => `u${uid}:x:${uid}:0::/home/u${uid}:`);
  writeTree(directory, { '/etc/passwd': lines.join('\n') });
  const root = openRoot(directory);
  t.after(() => root.close());
  const { byName, problems: found } = readAccounts({ root, etc: '/etc' });
  assert.equal(byName.size, 1_000);
  assert.deepEqual(
    found.map(({ code }) => code),
    ['too-many-entries'],
  );
});
