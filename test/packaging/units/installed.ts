import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { type BootedUnits, units, verified } from './booted-units.ts';

/** What none may be above: in tenths of systemd's own measure, of which 252, 257 and 262 have each their own. */
const exposure = {
  'berth-activate.service': 32,
  'berth-activate-kubernetes.service': 12,
  'berth-activate-users.service': 39,
  'berth-gate.service': 16,
  'berth-reconcile.service': 21,
  'berth-watch.service': 22,
  'berth-bootc-status@.service': 43,
};

/** The units as systemd reads them: faults, sandboxes, modes, presets. */
export async function testInstalled(t: TestContext, { host, show }: BootedUnits): Promise<void> {
  await t.test('systemd has nothing to say of them', () => {
    const names = host.run('find', units, '-name', 'berth-*').trim().split('\n');
    assert.equal(names.length, 11);
    // That one names a program that is not there.
    assert.equal(verified(host, ...names.filter((name) => !name.includes('@'))), '0');
  });

  for (const [unit, most] of Object.entries(exposure)) {
    await t.test(`the sandbox of ${unit}`, () => {
      const words = ['--no-pager', '--offline=true', `--threshold=${most}`, unit];
      const said = host.run('sh', '-c', 'systemd-analyze security "$@"; echo $?', 'sh', ...words);
      assert.equal(said.trim().split('\n').at(-1), '0', said);
    });
  }

  await t.test('what they leave is for root alone', () => {
    const names = [
      'activate',
      'activate-kubernetes',
      'activate-users',
      'gate',
      'reconcile',
      'watch',
    ];
    for (const name of names) {
      const unit = `berth-${name}.service`;
      assert.deepEqual([show(unit, 'StateDirectoryMode'), show(unit, 'UMask')], ['0700', '0077']);
    }
    assert.equal(host.run('stat', '-c', '%a', '/var/lib/berth'), '700\n');
  });

  await t.test('the presets enable what starts the others', () => {
    const enabled = [
      'berth-activate.service',
      'berth-activate-kubernetes.path',
      'berth-gate.service',
      'berth-stage.path',
      'berth-reconcile.timer',
    ];
    assert.equal(show('berth-activate-users.service', 'UnitFileState'), 'enabled');
    for (const unit of enabled) assert.equal(show(unit, 'ActiveState'), 'active', unit);
    assert.match(show('berth-reconcile.timer', 'NextElapseUSecMonotonic'), /^\d/);
    assert.equal(show('berth-reconcile.service', 'ActiveState'), 'inactive');
    assert.equal(show('berth-watch.service', 'UnitFileState'), 'disabled');
    assert.equal(show('berth-bootc-status.socket', 'ConditionResult'), 'no');
  });
}
