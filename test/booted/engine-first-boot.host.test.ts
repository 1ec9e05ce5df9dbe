import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import test from 'node:test';
import { main } from '../support/berth.ts';
import {
  addDocker,
  containerdService,
  dockerFiles,
  dockerService,
  hostOfEngines,
} from '../support/host-engines.ts';
import { startHostLab, state } from '../support/host-lab.ts';

test('a first boot with images that the OS brings for docker and containerd alone', async (t) => {
  const lab = await startHostLab(t, { berth: true, environment: hostOfEngines });
  const id = lab.push('app:1', 'app');
  const files = {
    ...dockerFiles(),
    ...dockerService('app', lab.name('app:1')),
    ...containerdService('job', lab.name('app:1')),
  };
  lab.commit('acme/a', files, (tree) => {
    const registries = join(tree, 'usr/etc/containers/registries.conf.d/test.conf');
    execFileSync(process.execPath, [main, 'ship', tree], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, CONTAINERS_REGISTRIES_CONF: registries },
    });
    addDocker(tree);
  });
  lab.deploy('acme/a');
  await lab.stopRegistry();
  const host = await lab.boot();
  const journal = host.try('journalctl', '--boot', '--no-pager', '--grep=berth|app|job').stdout;
  assert.deepEqual([state(host, 'app'), state(host, 'job')], ['active', 'active'], journal);
  assert.equal(host.run('docker', 'inspect', '--format', '{{.Image}}', 'app'), id);
  const { code, stdout, stderr } = host.try('berth', 'verify');
  assert.equal(code, 0, `${stdout}${stderr}${journal}`);
});
