import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import test from 'node:test';
import { main } from '../support/berth.ts';
import { imageUnit, runs, service, startHostLab, state } from '../support/host-lab.ts';

test('a first boot with images that the OS brings, and no registry ever', async (t) => {
  const lab = await startHostLab(t, { berth: true });
  const web = lab.push('web:1', 'first');
  const side = lab.push('side:1', 'side');
  const files = {
    ...service('web', lab.name('web:1')),
    ...imageUnit('side', lab.name('side:1')),
    ...service('side', 'side.image'),
  };
  lab.commit('acme/a', files, (tree) => {
    const registries = join(tree, 'usr/etc/containers/registries.conf.d/test.conf');
    execFileSync(process.execPath, [main, 'ship', tree], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, CONTAINERS_REGISTRIES_CONF: registries },
    });
  });
  lab.deploy('acme/a');
  await lab.stopRegistry();
  const host = await lab.boot();
  const journal = host.try(
    'journalctl',
    '-b',
    '--no-pager',
    '-u',
    'berth-*',
    '-u',
    'web',
    '-u',
    'side*',
  ).stdout;
  assert.deepEqual([state(host, 'web'), state(host, 'side')], ['active', 'active'], journal);
  assert.deepEqual([runs(host, 'web'), runs(host, 'side')], [web, side]);
  assert.equal(host.try('berth', 'verify').code, 0);
  host.run('podman', 'system', 'prune', '-a', '--volumes', '-f');
  assert.equal(host.try('berth', 'verify').code, 0, 'pinned');
});
