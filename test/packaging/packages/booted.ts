import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { version } from '../../../src/common/version.ts';
import { writeRoot } from '../../support/berth.ts';
import { bootHost } from '../../support/booted-host.ts';
import type { LayeredRoot } from '../../support/layered-root.ts';
import { earlier } from './built.ts';
import { enabledUnits, testUsed } from './used.ts';

/** Words that install a version, and that remove what is installed. */
export interface Installer {
  readonly install: (version: string) => readonly string[];
  readonly remove: readonly string[];
}

/** What started is what a host needs before its next boot. */
const started = [
  'berth-activate-kubernetes.path',
  'berth-gate.service',
  'berth-reconcile.timer',
  'berth-stage.path',
];

/** Services that do nothing of what berth does: the host is only asked what starts and stops. */
const standIns = {
  'etc/systemd/system/berth-watch.service.d/test.conf':
    '[Service]\nExecStart=\nExecStart=/bin/sh -c "systemd-notify --ready; exec sleep infinity"\n',
  'etc/systemd/system/berth-gate.service.d/test.conf':
    '[Service]\nExecStop=/bin/touch /run/gate-ran\n',
};

/** Installs, upgrades and removes on a host that runs. */
export async function testOnHost(
  t: TestContext,
  packages: string,
  root: LayeredRoot,
  installer: Installer,
): Promise<void> {
  writeRoot(root.path, standIns);
  const host = await bootHost(t, root.path, { words: [`--bind-ro=${packages}:/mnt`] });
  const show = (unit: string, property: string) =>
    host.run('systemctl', 'show', '-P', property, unit).trim();
  const active = () =>
    host
      .run('systemctl', 'list-units', '--plain', '--no-legend', '--state=active', 'berth-*')
      .match(/^berth-\S+/gm)
      ?.sort() ?? [];

  const first = host.run('sh', '-c', '"$@" 2>&1', 'sh', ...installer.install(earlier));
  testUsed(host.run);
  assert.deepEqual(active(), started, first);
  host.run('systemctl', 'enable', '--now', 'berth-watch.service');
  const watch = show('berth-watch.service', 'MainPID');
  const gate = show('berth-gate.service', 'InvocationID');
  assert.notEqual(watch, '0');

  const second = host.run('sh', '-c', '"$@" 2>&1', 'sh', ...installer.install(version));
  assert.deepEqual(active(), [...started, 'berth-watch.service'].sort(), second);
  assert.notEqual(show('berth-watch.service', 'MainPID'), watch, second);
  assert.equal(show('berth-gate.service', 'InvocationID'), gate, 'the gate acts when it stops');
  assert.equal(
    host.run('systemctl', 'show', '-P', 'NeedDaemonReload', ...started).trim(),
    Array(4).fill('no').join('\n\n'),
  );

  const last = host.run('sh', '-c', '"$@" 2>&1', 'sh', ...installer.remove);
  assert.deepEqual(active(), [], last);
  assert.doesNotMatch(host.run('ls', '/run'), /^gate-ran$/m, last);
  assert.deepEqual(enabledUnits(host.run), [], last);
  assert.equal(host.run('systemctl', '--failed', '--plain', '--no-legend', 'berth-*'), '');
}
