import assert from 'node:assert/strict';
import { test } from 'node:test';
import { managerEnvironment } from '../../src/systemd/environment/manager-environment.ts';
import { discovered, images, problems, rootOf, type Tree } from '../support/tree.ts';

const app = '/usr/share/containers/systemd/app.container';

const cases: readonly (readonly [name: string, tree: Tree, image: string])[] = [
  ['a drop-in', { '/etc/systemd/system.conf.d/10.conf': manager('DefaultEnvironment=TAG=3') }, '3'],
  [
    'the first main file, with quotes',
    {
      '/etc/systemd/system.conf': manager('DefaultEnvironment=A=1 "TAG=4"'),
      '/usr/lib/systemd/system.conf': manager('DefaultEnvironment=TAG=no'),
    },
    '4',
  ],
  [
    'drop-ins in the order of their names, the first directory for one name',
    {
      '/etc/systemd/system.conf': manager('DefaultEnvironment=TAG=main'),
      '/usr/lib/systemd/system.conf.d/20.conf': manager('DefaultEnvironment=TAG=5'),
      '/etc/systemd/system.conf.d/10.conf': manager('DefaultEnvironment=TAG=early'),
      '/usr/lib/systemd/system.conf.d/30.conf': manager('DefaultEnvironment=TAG=hidden'),
      '/etc/systemd/system.conf.d/30.conf': '-> /dev/null',
    },
    '5',
  ],
  [
    'the manager keeps its own',
    { '/etc/systemd/system.conf': manager('ManagerEnvironment=TAG=6') },
    '-',
  ],
  [
    'the manager passes on its own',
    {
      '/etc/systemd/system.conf': manager('ManagerEnvironment=TAG=6'),
      '/etc/systemd/system/app.service.d/1.conf': '[Service]\nPassEnvironment=TAG\n',
    },
    '6',
  ],
  [
    "the unit's own variable wins",
    {
      '/etc/systemd/system.conf': manager('DefaultEnvironment=TAG=6'),
      '/etc/systemd/system/app.service.d/1.conf': '[Service]\nEnvironment=TAG=7\n',
    },
    '7',
  ],
  [
    'an unset variable',
    {
      '/etc/systemd/system.conf': manager('DefaultEnvironment=TAG=6'),
      '/etc/systemd/system/app.service.d/1.conf': '[Service]\nUnsetEnvironment=TAG\n',
    },
    '-',
  ],
  [
    'a specifier of the manager',
    { '/etc/systemd/system.conf': manager('DefaultEnvironment=TAG=%m') },
    '-',
  ],
  [
    'wildcards in a directory, and brackets',
    {
      '/etc/systemd/system/app.service.d/1.conf':
        '[Service]\nEnvironmentFile=/etc/tags.?/[a-b]*.env\n',
      '/etc/tags.d/a.env': 'TAG=1\n',
      '/etc/tags.d/b1.env': 'TAG=8\n',
      '/etc/tags.d/c.env': 'TAG=no\n',
      '/etc/tags.d/.a.env': 'TAG=no\n',
    },
    '8',
  ],
];

for (const [name, tree, image] of cases) {
  test(`a service's variables: ${name}`, async (t) => {
    const found = await discovered(t, { [app]: '[Container]\nImage=q.io/app:${TAG}\n', ...tree });
    const expected = image === '-' ? '-' : `q.io/app:${image}`;
    assert.deepEqual(images(found), [`app.service ${expected}`]);
    assert.deepEqual(problems(found), image === '-' ? [`variable ${app}:2`] : []);
  });
}

test("a user's manager: its own environment, the defaults, then environment.d", (t) => {
  const root = rootOf(t, {
    '/usr/lib/systemd/user.conf': manager(
      'ManagerEnvironment=A=1 B=1 C=1\nDefaultEnvironment=B=2 C=2 D=2',
    ),
    '/usr/lib/environment.d/10.conf': 'C=3\nD=${HOME}/x\n',
  });
  const { inherited } = managerEnvironment(root, '/etc', 'user');
  assert.deepEqual(Object.fromEntries(inherited), { A: '1', B: '2', C: '3' });
});

function manager(lines: string): string {
  return `[Manager]\n${lines}\n`;
}
