import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { hasQuadlet, user } from '../host.ts';
import { type BootedUnits, change } from './booted-units.ts';

/** What the units come before and after, and that a failure of theirs holds nothing up. */
export async function testBootOrder(
  t: TestContext,
  { suite, root, standIn, host, show, at }: BootedUnits,
): Promise<void> {
  const usersUnit = 'berth-activate-users.service';
  const manager = `user@${user.uid}.service`;

  await t.test('containers come after the activation, and nothing is in a circle', () => {
    const activated = at('berth-activate.service', 'ActiveEnter');
    assert.ok(activated > 0);
    const containers = ['early.service', 'use-present.service'];
    if (hasQuadlet(suite)) containers.push('absent-image.service');
    for (const unit of containers) {
      assert.ok(at(unit, 'InactiveExit') >= activated, unit);
    }
    assert.ok(at('early.service', 'ActiveEnter') <= at('sysinit.target', 'ActiveEnter'));
    assert.doesNotMatch(host.run('journalctl', '-b', '-o', 'cat'), /ordering cycle/i);
    const asked = ['absent', 'present'].map(
      (name) => `activate --pull-needed ${name}-image.service`,
    );
    assert.deepEqual(standIn.calls('activate').toSorted(), [
      'activate --for system',
      'activate --for users',
      ...(hasQuadlet(suite) ? asked : []),
    ]);
  });

  await t.test('services and managers of users come after the activation for users', () => {
    const ended = at(usersUnit, 'InactiveEnter');
    assert.ok(at(usersUnit, 'InactiveExit') >= at('sysinit.target', 'ActiveEnter'));
    assert.ok(ended > 0 && ended <= at('basic.target', 'ActiveEnter'));
    for (const unit of [manager, 'as-user.service']) {
      assert.equal(show(unit, 'ActiveState'), 'active', unit);
      assert.ok(at(unit, 'InactiveExit') >= ended, unit);
    }
  });

  await t.test('a host that has no images for users waits for nothing', () => {
    // With this order the whole boot would wait for berth-activate.service.
    assert.doesNotMatch(show(usersUnit, 'After'), /berth-activate\.service/);
    const calls = standIn.calls('activate').length;
    rmSync(join(root, 'var/lib/berth/activate-users'));
    host.run('systemctl', 'restart', usersUnit);
    assert.equal(show(usersUnit, 'ConditionResult'), 'no');
    assert.equal(standIn.calls('activate').length, calls);
    writeFileSync(join(root, 'var/lib/berth/activate-users'), '');
  });

  await t.test('a manager of a user starts whatever comes of the activation', () => {
    change(host, usersUnit, 'TimeoutStartSec=1s');
    for (const [end, result] of [
      [1, 'exit-code'],
      ['SIGSTOP', 'timeout'],
    ] as const) {
      standIn.answer('activate', end);
      host.run('systemctl', 'stop', manager);
      host.run('systemctl', 'start', usersUnit, manager);
      assert.equal(show(usersUnit, 'Result'), result);
      assert.equal(show(manager, 'ActiveState'), 'active');
      assert.ok(at(manager, 'InactiveExit') >= at(usersUnit, 'InactiveEnter'));
    }
    standIn.answer('activate', 3);
    host.run('systemctl', 'restart', usersUnit);
    assert.equal(show(usersUnit, 'Result'), 'success', 'a root that is not ready');
    change(host, usersUnit);
  });

  if (hasQuadlet(suite)) {
    await t.test('an image that is there is not pulled, and what requires it starts', () => {
      assert.equal(show('present-image.service', 'Result'), 'exec-condition');
      assert.equal(show('present-image.service', 'ActiveState'), 'inactive');
      assert.match(show('use-present.service', 'Requires'), /present-image\.service/);
      assert.equal(show('use-present.service', 'ActiveState'), 'active');
      assert.equal(show('absent-image.service', 'Result'), 'exit-code', 'it pulls');
      assert.equal(show('use-absent.service', 'ActiveState'), 'inactive');
      const failed = host.run('systemctl', '--failed', '--plain', '--no-legend');
      assert.doesNotMatch(failed, /present|berth/);
    });
  }

  await t.test('an activation that fails holds nothing up', () => {
    const both = ['berth-activate.service', 'use-present.service'];
    host.run('systemctl', 'stop', ...both);
    standIn.answer('activate', 1);
    host.run('systemctl', 'start', ...both);
    assert.equal(show('berth-activate.service', 'ActiveState'), 'failed');
    assert.equal(show('use-present.service', 'ActiveState'), 'active');
    // A root that is not ready is no failure of the unit: its first boot may well be that.
    standIn.answer('activate', 3);
    host.run('systemctl', 'restart', 'berth-activate.service');
    assert.equal(show('berth-activate.service', 'ActiveState'), 'active');
  });
}
