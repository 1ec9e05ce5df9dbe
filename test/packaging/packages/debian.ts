import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { version } from '../../../src/common/version.ts';
import type { Suite } from '../../support/debian-root.ts';
import { installDebs } from '../../support/install-debs.ts';
import { type LayeredRoot, layeredRoot } from '../../support/layered-root.ts';
import { deb, earlier } from './built.ts';
import { enabledUnits, testUsed } from './used.ts';

/** Installs, uses, upgrades, removes and purges in a root that is not booted, as a build of an OS image does. */
export function testInRoot(
  t: TestContext,
  packages: string,
  suite: Suite,
  architecture: string,
): void {
  const root = layeredRoot(t, suite, packages);
  if (architecture === 'all') installNode(root);
  const before = left(root);
  root.run('dpkg', '--install', `/mnt/${deb(earlier, architecture)}`);
  testUsed(root.run);

  root.run('systemctl', 'disable', 'berth-gate.service');
  root.run('systemctl', 'enable', 'berth-watch.service');
  root.run('install', '-D', '/dev/null', '/var/lib/berth/records/kept');
  const chosen = enabledUnits(root.run);
  assert.ok(chosen.includes('berth-watch.service') && !chosen.includes('berth-gate.service'));
  root.run('dpkg', '--install', `/mnt/${deb(version, architecture)}`);
  assert.equal(root.run('dpkg-query', '--show', '--showformat=${Version}', 'berth'), version);
  assert.deepEqual(enabledUnits(root.run), chosen, 'what the administrator chose');
  assert.equal(root.run('dpkg', '--verify', 'berth'), '');

  root.run('dpkg', '--remove', 'berth');
  const remains = left(root).filter((path) => !before.includes(path));
  const kept =
    /^(etc\/systemd\/system\/[\w.-]+\.wants\/berth-|var\/lib\/systemd\/deb-systemd-helper-|var\/lib\/berth\/)/;
  assert.deepEqual(
    remains.filter((path) => !kept.test(path)),
    [],
  );
  assert.ok(
    remains.includes('var/lib/berth/records/kept'),
    'the records wait for another installation',
  );
  root.run('dpkg', '--install', `/mnt/${deb(version, architecture)}`);
  assert.deepEqual(enabledUnits(root.run), chosen, 'also after a removal');
  root.run('dpkg', '--purge', 'berth');
  assert.deepEqual(left(root), before);
}

/** What differs from the release, without what dpkg writes for itself. */
function left(root: LayeredRoot): readonly string[] {
  return root.changed().filter((path) => !/^var\/(lib\/dpkg|log|cache)\//.test(path));
}

/** Without Node 24 the package without a Node is refused. */
function installNode(root: LayeredRoot): void {
  const words = ['--install', `/mnt/${deb(version, 'all')}`];
  assert.throws(() => root.run('dpkg', ...words), /depends on nodejs \(>= 24\)/);
  root.run('dpkg', '--purge', 'berth');
  installDebs(root.path, 'forky', 'nodejs');
}
