import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { mountPoints, notMountedOf, resolved } from '../../../../src/engine/podman/user/mounted.ts';
import { temporaryDirectory } from '../../../support/temporary.ts';

const fstab = `# a comment
/dev/sda1 / ext4 defaults 0 1
UUID=1 /home  ext4 defaults 0 2
  LABEL=x	/srv/with\\040space ext4 defaults
/dev/sda2 none swap sw 0 0
tmpfs /var/home/app/.local/ tmpfs

nonsense
`;

test('the mount points of fstab', () => {
  assert.deepEqual(mountPoints(fstab, 1), ['/home', '/srv/with space', '/var/home/app/.local']);
});

test('the mount points of mountinfo', () => {
  const line = '36 35 98:0 /mnt1 /srv/with\\040space rw,noatime master:1 - ext3 /dev/root rw';
  assert.deepEqual(mountPoints(`${line}\n`, 4), ['/srv/with space']);
});

for (const [what, mounted, paths, expected] of [
  ['mounted', ['/home'], ['/home/app/x'], undefined],
  ['not mounted', [], ['/home/app/x'], '/home'],
  ['the mount point itself', [], ['/home'], '/home'],
  ['a name that only begins alike', [], ['/homes/app/x'], undefined],
  ['a directory in the home', ['/home'], ['/var/home/app/.local/x'], '/var/home/app/.local'],
  [
    'below a link',
    ['/home'],
    ['/h/app/.local/x', '/var/home/app/.local/x'],
    '/var/home/app/.local',
  ],
] as const) {
  test(`a path on a file system that is ${what}`, () => {
    assert.equal(notMountedOf(mountPoints(fstab, 1), new Set(mounted), paths), expected);
  });
}

test('links above a home are resolved, the home itself is not', (t) => {
  const directory = temporaryDirectory(t);
  mkdirSync(join(directory, 'var/home'), { recursive: true });
  symlinkSync('var/home', join(directory, 'home'));
  symlinkSync('/elsewhere', join(directory, 'var/home/app'));
  assert.equal(resolved(join(directory, 'home/app')), join(directory, 'var/home/app'));
  assert.equal(resolved(join(directory, 'absent/app')), join(directory, 'absent/app'));
});
