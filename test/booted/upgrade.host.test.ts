import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import {
  type HostLab,
  imageUnit,
  reconciledAfter,
  runs,
  service,
  startHostLab,
  state,
} from '../support/host-lab.ts';
import type { Booted } from '../support/ostree-host.ts';

/** What root A runs: an image of a fixed tag, and one of a tag that moves. */
function rootA(lab: HostLab) {
  return {
    ...service('web', lab.name('web:1')),
    ...service('app', lab.name('app:latest'), 'AutoUpdate=registry'),
  };
}

/** Root B: a new tag, the moved one, and a `.image` unit that is new. */
function rootB(lab: HostLab) {
  return {
    ...service('web', lab.name('web:2')),
    ...service('app', lab.name('app:latest'), 'AutoUpdate=registry'),
    ...imageUnit('side', lab.name('side:1')),
    ...service('side', 'side.image'),
  };
}

const deploy = (host: Booted, ...words: string[]) =>
  host.run('ostree', 'admin', 'deploy', '--os=acme', ...words);

const states = (host: Booted, ...units: string[]) => units.map((unit) => state(host, unit));

const journal = (host: Booted) =>
  host.try('journalctl', '-b', '--no-pager', '-u', 'berth-*', '-u', 'web', '-u', 'app').stdout;

function imageIds(host: Booted): string[] {
  return host
    .run('podman', 'images', '-a', '-q', '--no-trunc')
    .split('\n')
    .filter((id) => id !== '');
}

test('without berth, an upgrade with the registry gone fails', async (t) => {
  const lab = await startHostLab(t, { berth: false });
  lab.push('web:1', 'first');
  const old = lab.push('app:latest', 'old');
  lab.commit('acme/a', rootA(lab));
  lab.deploy('acme/a');
  const before = await lab.boot();
  assert.deepEqual(states(before, 'web', 'app'), ['active', 'active']);
  lab.push('web:2', 'second');
  lab.push('app:latest', 'next');
  lab.push('side:1', 'side');
  lab.commit('acme/b', rootB(lab));
  deploy(before, '--stage', 'acme/b');
  await before.powerOff();
  await lab.stopRegistry();
  const after = await lab.boot();
  assert.notEqual(after.id, before.id);
  assert.deepEqual(states(after, 'web', 'app', 'side', 'side-image'), [
    'failed',
    'active',
    'inactive',
    'failed',
  ]);
  assert.equal(runs(after, 'app'), old);
});

test('with berth, from the queued update to the start after the reboot, and back', async (t) => {
  const lab = await startHostLab(t, { berth: true });
  const first = lab.push('web:1', 'first');
  const old = lab.push('app:latest', 'old');
  lab.commit('acme/a', rootA(lab));
  lab.deploy('acme/a');
  let host = await lab.boot();
  const a = host.id;
  assert.deepEqual([runs(host, 'web'), runs(host, 'app')], [first, old], journal(host));
  reconciledAfter(host, () => host.run('systemctl', 'start', 'berth-reconcile.service'));
  assert.equal(host.try('berth', 'verify').code, 0);

  const second = lab.push('web:2', 'second');
  const next = lab.push('app:latest', 'next');
  const side = lab.push('side:1', 'side');
  lab.commit('acme/b', rootB(lab));

  await t.test('the path unit stages what is queued, without a command', () => {
    const said = reconciledAfter(host, () => deploy(host, '--stage', 'acme/b'));
    assert.match(said, /Finished berth-reconcile/);
    assert.equal(host.try('berth', 'verify', 'staged').code, 0, said);
  });

  await t.test('a deployment is the same root by its name and by its directory', () => {
    const planned = (...root: string[]) => {
      const plan = JSON.parse(host.run('berth', 'plan', '--format', 'json', ...root)) as {
        root: { id: string };
      };
      return plan.root.id;
    };
    const staged = planned('staged');
    assert.notEqual(staged, a);
    assert.equal(planned(`/ostree/deploy/acme/deploy/${staged}`), staged);
    assert.deepEqual([planned(), planned('/'), planned('booted')], [a, a, a]);
    // Its /etc is the one that it will get, by either name: the directory itself has none yet.
    const images = (root: string) => {
      const { root: _, ...rest } = JSON.parse(
        host.run('berth', 'images', '--format', 'json', root),
      ) as Record<string, unknown>;
      return rest;
    };
    const unit = '/etc/containers/systemd/local.container';
    host.run('sh', '-c', `printf '[Container]\\nImage=example.com/local:1\\n' > ${unit}`);
    try {
      assert.match(JSON.stringify(images('staged')), /example\.com\/local:1/);
      assert.deepEqual(images(`/ostree/deploy/acme/deploy/${staged}`), images('staged'));
    } finally {
      host.run('rm', unit);
    }
  });

  await t.test('while B is only staged, a service of A restarts with the image of A', () => {
    host.run('systemctl', 'restart', 'app', 'web');
    assert.deepEqual([runs(host, 'web'), runs(host, 'app')], [first, old]);
  });

  await t.test('prune and rmi before the reboot take nothing', () => {
    host.run('podman', 'system', 'prune', '-a', '--volumes', '-f');
    for (const image of ['web:2', 'side:1']) host.try('podman', 'rmi', lab.name(image));
    assert.equal(host.try('podman', 'rmi', next.replace('sha256:', '')).code === 0, false);
    host.run('podman', 'system', 'prune', '-a', '--volumes', '-f');
    assert.deepEqual(
      [second, next, side].filter((id) => !imageIds(host).includes(id)),
      [],
    );
  });

  await host.powerOff();
  await lab.stopRegistry();
  host = await lab.boot();
  const b = host.id;
  assert.notEqual(b, a);

  await t.test('B starts whole, with no registry in sight', () => {
    assert.deepEqual(
      states(host, 'web', 'app', 'side'),
      ['active', 'active', 'active'],
      journal(host),
    );
    const ids = ['web', 'app', 'side'].map((name) => runs(host, name));
    assert.deepEqual(ids, [second, next, side]);
    assert.equal(host.try('berth', 'verify').code, 0);
  });

  await t.test('podman’s database deleted between two boots: the pins are back first', async () => {
    await host.powerOff();
    rmSync(join(lab.var, 'lib/containers/storage/db.sql'));
    host = await lab.boot();
    assert.equal(host.id, b);
    assert.deepEqual(states(host, 'web', 'app', 'side'), ['active', 'active', 'active']);
    const activated = host.run(
      'systemctl',
      'show',
      '-P',
      'ExecMainExitTimestampMonotonic',
      'berth-activate',
    );
    for (const unit of ['web', 'app', 'side']) {
      const started = host.run('systemctl', 'show', '-P', 'ExecMainStartTimestampMonotonic', unit);
      assert.ok(Number(activated) < Number(started), `${activated} ${started}`);
    }
    assert.match(journal(host), /pins made again/);
    host.run('podman', 'system', 'prune', '-a', '--volumes', '-f');
    assert.equal(host.try('berth', 'verify').code, 0);
  });

  await lab.startRegistry();
  await t.test(
    'a rollback runs what it ran before, though the tag moved and was pulled',
    async () => {
      const third = lab.push('app:latest', 'third');
      host.run('podman', 'pull', '-q', lab.name('app:latest'));
      assert.equal(
        `sha256:${host.run('podman', 'image', 'inspect', '-f', '{{.Id}}', lab.name('app:latest'))}`,
        third,
      );
      await host.powerOff();
      host = await lab.boot(a);
      assert.equal(host.id, a);
      assert.deepEqual([runs(host, 'web'), runs(host, 'app')], [first, old], journal(host));
    },
  );

  await t.test('rmi -f is seen by verify and healed by reconcile', () => {
    host.run('podman', 'rmi', '-f', second.replace('sha256:', ''));
    assert.equal(host.try('berth', 'verify', b).code, 3);
    const said = reconciledAfter(host, () => host.run('systemctl', 'start', 'berth-reconcile'));
    assert.equal(host.try('berth', 'verify', b).code, 0, said);
  });

  await t.test('what auto-update brings stays over a reboot', async () => {
    const fourth = lab.push('app:latest', 'fourth');
    host.run('podman', 'auto-update');
    assert.equal(runs(host, 'app'), fourth);
    await host.powerOff();
    host = await lab.boot(a);
    assert.equal(host.id, a);
    assert.equal(runs(host, 'app'), fourth, 'no downgrade');
    assert.match(journal(host), /was moved .* since the last boot; left alone/);
    host.run('systemctl', 'stop', 'app');
    host.run('podman', 'system', 'prune', '-a', '--volumes', '-f');
    host.run('systemctl', 'start', 'app');
    assert.equal(runs(host, 'app'), fourth);
  });

  await t.test('a deployment that is undeployed loses its pins, and only its images go', () => {
    const before = new Set(imageIds(host));
    const said = reconciledAfter(host, () => host.run('ostree', 'admin', 'undeploy', '0'));
    assert.match(host.run('berth', 'status'), new RegExp(`^${a} `, 'm'));
    assert.equal(host.run('berth', 'status').includes(b), false, said);
    host.run('berth', 'prune', '--force');
    const gone = [...before].filter((id) => !imageIds(host).includes(id));
    assert.deepEqual(new Set(gone), new Set([second, next, side]));
    assert.equal(host.try('berth', 'verify').code, 0);
    assert.deepEqual(states(host, 'web', 'app'), ['active', 'active']);
  });
});
