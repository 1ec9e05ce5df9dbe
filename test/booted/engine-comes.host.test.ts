import assert from 'node:assert/strict';
import test from 'node:test';
import {
  addDocker,
  containerdService,
  dockerFiles,
  dockerService,
  hostOfEngines,
  k3sService,
  k3sSocket,
} from '../support/host-engines.ts';
import {
  type HostLab,
  reconciledAfter,
  runs,
  service,
  startHostLab,
  state,
} from '../support/host-lab.ts';
import type { Booted } from '../support/ostree-host.ts';

/** Root A: podman alone. */
const rootA = (lab: HostLab) => service('web', lab.name('web:1'));

/** Root B brings docker, containerd and k3s, and a container of the same image for each engine. */
const rootB = (lab: HostLab) => ({
  ...rootA(lab),
  ...dockerFiles(),
  ...service('side', lab.name('app:1')),
  ...dockerService('app', lab.name('app:1')),
  ...containerdService('job', lab.name('app:1')),
  ...k3sService(lab.name('app:1')),
});

/** Boots A, and makes B. */
async function bootA(lab: HostLab): Promise<Booted> {
  lab.push('web:1', 'web');
  lab.commit('acme/a', rootA(lab));
  lab.deploy('acme/a');
  const host = await lab.boot();
  assert.equal(state(host, 'web'), 'active');
  lab.commit('acme/b', rootB(lab), addDocker);
  return host;
}

const queueB = (host: Booted) =>
  host.run('ostree', 'admin', 'deploy', '--os=acme', '--stage', 'acme/b');

const states = (host: Booted, ...units: string[]) =>
  Object.fromEntries(units.map((unit) => [unit, state(host, unit)]));

/** What the units say that the test is about. */
function journal(host: Booted): string {
  const units = ['berth-activate', 'docker', 'containerd', 'app', 'job'];
  const words = units.map((unit) => `--unit=${unit}`);
  return host.try('journalctl', '--boot', '--no-pager', ...words).stdout;
}

test('without berth, containers of engines that come with the next OS do not start', async (t) => {
  const lab = await startHostLab(t, { berth: false, environment: hostOfEngines });
  lab.push('app:1', 'app');
  let host = await bootA(lab);
  queueB(host);
  await host.powerOff();
  await lab.stopRegistry();
  host = await lab.boot();
  assert.deepEqual(states(host, 'docker', 'app', 'containerd', 'job'), {
    docker: 'active',
    app: 'failed',
    containerd: 'active',
    job: 'failed',
  });
  // The registry is all that they lack.
  await lab.startRegistry();
  host.run('systemctl', 'restart', 'app', 'job');
  assert.deepEqual(states(host, 'app', 'job'), { app: 'active', job: 'active' });
});

test('with berth they start, with no registry in sight', async (t) => {
  const lab = await startHostLab(t, { berth: true, environment: hostOfEngines });
  const id = lab.push('app:1', 'app');
  let host = await bootA(lab);

  await t.test('what the engines need waits for them, and was fetched once', () => {
    const before = lab.served().length;
    const said = reconciledAfter(host, () => queueB(host));
    const { code, stdout, stderr } = host.try('berth', 'verify', 'staged');
    assert.equal(code, 0, `${said}${stdout}${stderr}`);
    for (const engine of ['docker', 'containerd:default', 'containerd']) {
      assert.ok(stdout.includes(`which ${engine} takes at the boot`), stdout);
    }
    const got = lab
      .served()
      .slice(before)
      .map(({ path }) => path)
      .filter((path) => path.startsWith('app/'));
    assert.equal(got.length, 4, 'a manifest, a config and two layers');
    assert.equal(new Set(got).size, got.length, got.join('\n'));
  });

  await host.powerOff();
  await lab.stopRegistry();
  host = await lab.boot();

  await t.test('each engine has its images before what needs it starts', () => {
    const units = [
      'web',
      'side',
      'docker',
      'app',
      'containerd',
      'job',
      'k3s',
      'berth-activate-kubernetes',
    ];
    const active = Object.fromEntries(units.map((unit) => [unit, 'active']));
    assert.deepEqual(states(host, ...units), active, journal(host));
    assert.equal(host.run('docker', 'inspect', '--format', '{{.Image}}', 'app'), id);
    assert.equal(runs(host, 'side'), id);
    assert.match(host.run('ctr', 'task', 'ls'), /^job .*RUNNING/m);
    const { code, stdout, stderr } = host.try('berth', 'verify');
    assert.equal(code, 0, `${stdout}${stderr}${journal(host)}`);
    for (const engine of ['docker', 'containerd:default', 'containerd']) {
      assert.ok(stdout.includes(`present and pinned on ${engine}`), stdout);
    }
    const list = ['--namespace', 'k8s.io', 'images', 'ls', '--quiet'];
    assert.ok(host.run('ctr', '--address', k3sSocket, ...list).includes(lab.name('app:1')));
    assert.equal(host.run('ctr', ...list), '', 'the host’s own containerd has none of Kubernetes');
  });

  await t.test('nothing waits any more, and another start of the engines looks at nothing', () => {
    assert.equal(host.try('ls', '/var/lib/berth/store/blobs/sha256').stdout, '');
    const before = host.run('cat', '/var/lib/berth/activation.json');
    host.run('systemctl', 'restart', 'containerd', 'docker');
    assert.equal(host.run('cat', '/var/lib/berth/activation.json'), before);
    assert.doesNotMatch(before, /pending/);
    assert.equal(host.try('berth', 'verify').code, 0);
  });

  await t.test('a docker whose containers outlive its restart keeps its pins too', () => {
    host.run('docker', 'run', '--detach', '--name=kept', '--network=host', lab.name('app:1'));
    const process = () => host.run('docker', 'inspect', '--format={{.State.Pid}}', 'kept');
    const pins = () => host.run('docker', 'ps', '--all', '--quiet', '--filter=label=berth.schema');
    const before = [process(), pins()];
    assert.match(pins(), /^[0-9a-f]+$/);
    host.run('systemctl', 'restart', 'docker');
    assert.deepEqual([process(), pins()], before);
    assert.equal(host.try('berth', 'verify').code, 0);
  });
});
