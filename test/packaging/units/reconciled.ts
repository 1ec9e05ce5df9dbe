import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { type BootedUnits, change, limit, until } from './booted-units.ts';

/** When `berth reconcile` runs, and runs again. */
export async function testReconciled(
  t: TestContext,
  { standIn, host, show }: BootedUnits,
): Promise<void> {
  await t.test(
    'what is queued, deployed or removed is reconciled, once',
    limit,
    async ({ signal }) => {
      let times = 0;
      const reconciled = async () => {
        await standIn.called('reconcile', ++times, signal);
        // A change that comes while the service ends is not seen.
        await until(signal, () => show('berth-stage.path', 'SubState') === 'waiting');
      };
      const marker = '/run/ostree/staged-deployment';
      // As ostree does: whole, by a rename; the directory may be new too.
      const stage =
        'mkdir -p /run/ostree && echo "$1" >/run/ostree/.new && mv /run/ostree/.new "$0"';
      host.run('rm', '-rf', '/run/ostree');
      host.run('sh', '-c', stage, marker, 'one');
      await reconciled();
      host.run('sh', '-c', stage, marker, 'two');
      await reconciled();
      host.run('rm', marker);
      await reconciled();
      // It makes deployments immutable otherwise, even for the end of the test.
      const mutable = 'OSTREE_SYSROOT_DEBUG=mutable-deployments';
      const admin = (...words: string[]) => host.run('env', mutable, 'ostree', 'admin', ...words);
      admin('init-fs', '/sysroot');
      await until(signal, () => show('berth-stage.path', 'SubState') === 'waiting');
      host.run('ostree', '--repo=/ostree/repo', 'commit', '-b', 'acme/1', '--tree=dir=/root/tree');
      times = standIn.calls('reconcile').length;
      admin('os-init', '--sysroot=/sysroot', 'acme');
      await reconciled();
      for (const serial of [0, 1]) {
        admin('deploy', '--sysroot=/sysroot', '--os=acme', 'acme/1');
        await reconciled();
        assert.match(admin('status', '--sysroot=/sysroot'), new RegExp(`\\.${serial}\\b`));
      }
      admin('undeploy', '--sysroot=/sysroot', '1');
      await reconciled();
      assert.equal(standIn.calls('reconcile').length, times, 'no more than once each');
    },
  );

  await t.test('only what could not be reached is tried again', limit, async ({ signal }) => {
    const unit = 'berth-reconcile.service';
    assert.equal(show(unit, 'RestartUSec'), '5min');
    change(host, unit, 'RestartSec=1ms');
    const before = standIn.calls('reconcile').length;
    standIn.answer('reconcile', 5);
    host.run('systemctl', 'start', '--no-block', unit);
    await standIn.called('reconcile', before + 3, signal);
    standIn.answer('reconcile', 0);
    await until(signal, () => show(unit, 'ActiveState') === 'inactive');
    const calls = standIn.calls('reconcile').length;
    // Quiet hours.
    standIn.answer('reconcile', 6);
    host.run('systemctl', 'start', unit);
    assert.deepEqual([show(unit, 'ActiveState'), show(unit, 'Result')], ['inactive', 'success']);
    assert.equal(standIn.calls('reconcile').length, calls + 1);
    const failing = (what: string) => {
      const calls = standIn.calls('reconcile').length;
      host.run('systemctl', 'start', unit);
      assert.equal(show(unit, 'SubState'), 'failed', what);
      return standIn.calls('reconcile').length - calls;
    };
    for (const end of [1, 2, 3, 4, 7, 13, 'SIGTERM', 'SIGKILL', 'SIGABRT', 'SIGSEGV'] as const) {
      standIn.answer('reconcile', end);
      assert.equal(failing(String(end)), 1);
    }
    standIn.answer('reconcile', 'SIGSTOP');
    change(host, unit, 'TimeoutStartSec=1s');
    failing('it takes too long');
    assert.equal(show(unit, 'Result'), 'timeout');
    change(host, unit, 'ExecStart=', 'ExecStart=/nowhere/berth reconcile');
    failing('there is no berth');
    assert.equal(show(unit, 'ExecMainStatus'), '203');
    change(host, unit);
  });
}
