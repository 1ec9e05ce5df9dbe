import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { engines } from '../host.ts';
import { type BootedUnits, change, limit, units, until, verified } from './booted-units.ts';

/** The activation that each engine waits for when it starts. */
export async function testEnginesStart(
  t: TestContext,
  { standIn, host, show, at }: BootedUnits,
): Promise<void> {
  await t.test('an engine counts as started once its activation has ended, however it ends', () => {
    const services = engines.map((name) => `${name}.service`);
    assert.equal(verified(host, 'kubelet.service', ...services), '0');
    // It makes the record of a first boot, without which they would find nothing to do.
    for (const unit of services) assert.match(show(unit, 'After'), /\bberth-activate\.service\b/);
    for (const end of [0, 1, 3, 'SIGKILL'] as const) {
      standIn.answer('activate', end);
      const before = standIn.calls('activate').length;
      host.run('systemctl', 'start', ...services, 'kubelet.service');
      const calls = standIn.calls('activate').slice(before).toSorted();
      assert.deepEqual(calls, engines.map((name) => `activate --for ${name}`).toSorted());
      for (const unit of services) {
        assert.equal(show(unit, 'ActiveState'), 'active', `${unit} ${end}`);
        // The stand-in for berth takes half a second.
        assert.ok(at(unit, 'ActiveEnter') - at(unit, 'InactiveExit') >= 500_000, unit);
        assert.ok(at('kubelet.service', 'InactiveExit') >= at(unit, 'ActiveEnter'), unit);
      }
      host.run('systemctl', 'stop', 'kubelet.service', ...services);
    }
  });

  await t.test(
    'the containerd of a Kubernetes is given its images once, when it listens',
    limit,
    async ({ signal }) => {
      standIn.answer('activate', 3);
      const before = standIn.calls('activate').length;
      const socket = '/run/k3s/containerd/containerd.sock';
      host.run('install', '-D', '/dev/null', socket);
      const unit = 'berth-activate-kubernetes.service';
      await until(signal, () => show(unit, 'ActiveState') === 'active');
      const run = show(unit, 'InvocationID');
      host.run('systemctl', 'restart', 'berth-activate-kubernetes.path');
      assert.equal(show(unit, 'InvocationID'), run);
      assert.deepEqual(standIn.calls('activate').slice(before), ['activate --for containerd']);
    },
  );

  await t.test('a berth that hangs keeps no engine from its start', () => {
    standIn.answer('activate', 'SIGSTOP');
    for (const name of engines) {
      const file = `${units}/${name}.service.d/10-berth.conf`;
      const command = /^ExecStartPost=(.*)$/m.exec(host.run('cat', file))?.[1] ?? '';
      assert.match(command, / 5m /);
      const sooner = `ExecStartPost=${command.replace(' 5m ', ' 1s ')}`;
      change(host, `${name}.service`, 'ExecStartPost=', sooner);
      host.run('systemctl', 'start', `${name}.service`);
      assert.equal(show(`${name}.service`, 'ActiveState'), 'active');
      host.run('systemctl', 'stop', `${name}.service`);
      change(host, `${name}.service`);
    }
  });
}
