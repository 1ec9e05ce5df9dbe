import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import {
  type HostLab,
  reconciledAfter,
  service,
  startHostLab,
  state,
} from '../support/host-lab.ts';
import type { Booted, Ran } from '../support/ostree-host.ts';

const secret = 's3cr3t-of-root';
const home = '/var/home/mallory';
const own = `${home}/.config/containers/systemd`;

/** The OS: a service, and a file that only root may read. */
function os(lab: HostLab, tag: string) {
  return {
    ...service('web', lab.name(tag)),
    'usr/etc/app/secret.env': `DB_PASSWORD=${secret}\n`,
  };
}

const onlyForRoot = (tree: string) => chmodSync(join(tree, 'usr/etc/app/secret.env'), 0o600);

/** As the user herself: what she may not do, she can't. */
function asMallory(host: Booted, script: string): Ran {
  return host.try('runuser', '-u', 'mallory', '--', 'sh', '-c', script);
}

function plant(host: Booted, name: string, text: string): void {
  const { code, stderr } = asMallory(host, `mkdir -p ${own} && printf '${text}' > ${own}/${name}`);
  assert.equal(code, 0, stderr);
}

test('a user of a host gains nothing from berth, and holds up no update', async (t) => {
  const lab = await startHostLab(t, { berth: true });
  lab.push('web:1', 'first');
  // The registry lists only what it answers with something.
  lab.push(`leak:${secret}`, 'bait');
  lab.commit('acme/a', os(lab, 'web:1'), onlyForRoot);
  lab.deploy('acme/a');
  let host = await lab.boot();
  host.run('useradd', '--create-home', '--home-dir', home, 'mallory');
  host.run('mkdir', '-p', '/var/lib/systemd/linger');
  host.run('touch', '/var/lib/systemd/linger/mallory');
  assert.notEqual(asMallory(host, 'cat /etc/app/secret.env').code, 0);
  const leak = lab.name('leak');
  const bound = '[X-Berth]\\nBind=yes\\n[Install]\\nWantedBy=default.target\\n';
  const cites = (file: string) => `[Service]\\nEnvironmentFile=${file}\\n`;
  plant(
    host,
    'leak.container',
    `[Container]\\nImage=${leak}:\${DB_PASSWORD}\\n${cites('/etc/app/secret.env')}${bound}`,
  );
  plant(
    host,
    'environ.container',
    `[Container]\\nImage=${leak}:\${PATH}\\n${cites('/proc/1/environ')}${bound}`,
  );
  plant(host, 'gone.container', `[Container]\\nImage=nosuch.invalid/x:1\\n${bound}`);
  plant(host, 'broken.kube', `[Kube]\\nYaml=/etc/shadow\\n${bound}`);

  // Where root gave a directory away, and in a deployment's merged /etc as well.
  host.run('install', '-d', '-o', 'mallory', '/etc/containers/systemd/team');
  asMallory(
    host,
    `printf '[Container]\\nImage=${leak}:team\\n[X-Berth]\\nBind=yes\\n' > /etc/containers/systemd/team/t.container`,
  );

  lab.push('web:2', 'second');
  lab.commit('acme/b', os(lab, 'web:2'), onlyForRoot);
  const said = reconciledAfter(host, () =>
    host.run('ostree', 'admin', 'deploy', '--os=acme', '--stage', 'acme/b'),
  );

  await t.test('the OS is ready, and nobody was asked for what the user names', () => {
    assert.match(said, /Finished berth-reconcile/);
    for (const root of ['booted', 'staged']) {
      const verified = host.try('berth', 'verify', root);
      assert.equal(verified.code, 0, verified.stderr);
      const listed = host.try('berth', 'images', root);
      assert.match(listed.stderr, /note user-writable .* in the home of mallory/);
      assert.match(listed.stderr, /note user-writable \/etc\/containers\/systemd\/team: /);
      assert.doesNotMatch(listed.stdout, /leak|nosuch/);
    }
    assert.deepEqual(
      lab.served().filter(({ path }) => !/^(?:web\/.*)?$/.test(path)),
      [],
    );
    const journal = host.run('journalctl', '-b', '--no-pager', '-u', 'berth-*');
    assert.ok(!journal.includes(secret));
  });

  await t.test('the user can neither read nor hold what is berth’s', () => {
    assert.notEqual(asMallory(host, 'ls /var/lib/berth').code, 0);
    assert.notEqual(asMallory(host, 'cat /var/lib/berth/lock').code, 0);
    assert.equal(host.run('stat', '-c', '%a', '/var/lib/berth'), '700');
    const modes = host.run('find', '/var/lib/berth', '-type', 'f', '-printf', '%m\n').split('\n');
    assert.deepEqual(new Set(modes), new Set(['600']));
  });

  await t.test('the update is let through, and starts with the registry off', async () => {
    await host.powerOff();
    await lab.stopRegistry();
    const before = host.id;
    host = await lab.boot();
    assert.notEqual(host.id, before);
    assert.equal(state(host, 'web'), 'active');
    assert.equal(host.try('berth', 'verify').code, 0);
  });
});
