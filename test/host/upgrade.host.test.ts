import assert from 'node:assert/strict';
import test from 'node:test';
import { imageUnit, runs, service, startHostLab, state } from '../support/host-lab.ts';

for (const berth of [false, true]) {
  test(`an upgrade with the registry gone, ${berth ? 'with' : 'without'} berth`, async (t) => {
    const lab = await startHostLab(t, { berth });
    const first = lab.push('web:1', 'first');
    const old = lab.push('app:latest', 'old');
    lab.commit('acme/a', {
      ...service('web', lab.name('web:1')),
      ...service('app', lab.name('app:latest'), 'Pull=newer'),
    });
    lab.deploy('acme/a');
    const before = await lab.boot();
    assert.deepEqual([state(before, 'web'), state(before, 'app')], ['active', 'active']);
    assert.deepEqual([runs(before, 'web'), runs(before, 'app')], [first, old]);
    const second = lab.push('web:2', 'second');
    const next = lab.push('app:latest', 'next');
    const side = lab.push('side:1', 'side');
    lab.commit('acme/b', {
      ...service('web', lab.name('web:2')),
      ...service('app', lab.name('app:latest'), 'Pull=newer'),
      ...imageUnit('side', lab.name('side:1')),
      ...service('side', 'side.image'),
    });
    before.run('ostree', 'admin', 'deploy', '--stage', '--os=acme', 'acme/b');
    if (berth) {
      before.run(
        'sh',
        '-c',
        'timeout 60 journalctl -f -n all -u berth-reconcile.service | grep -q Finished',
      );
      t.diagnostic(before.run('berth', 'status'));
      t.diagnostic(before.run('journalctl', '-u', 'berth-reconcile.service', '--no-pager'));
    }
    await before.powerOff();
    await lab.stopRegistry();
    const after = await lab.boot();
    assert.notEqual(after.id, before.id);
    const states = ['web', 'app', 'side'].map((name) => state(after, name));
    if (!berth) {
      assert.deepEqual(states, ['failed', 'active', 'inactive'], 'nothing of the new is there');
      assert.equal(state(after, 'side-image'), 'failed');
      assert.equal(runs(after, 'app'), old);
      return;
    }
    assert.deepEqual(
      states,
      ['active', 'active', 'active'],
      after.try('journalctl', '-b', '-u', 'berth*', '--no-pager').stdout,
    );
    assert.deepEqual(
      ['web', 'app', 'side'].map((name) => runs(after, name)),
      [second, next, side],
    );
  });
}
