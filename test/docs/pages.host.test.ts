import assert from 'node:assert/strict';
import { chmodSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test from 'node:test';
import { type HostLab, runs, service, startHostLab } from '../support/host-lab.ts';
import type { Booted } from '../support/ostree-host.ts';
import { blocksOf, scriptsOf } from './blocks.ts';

/** Debian has no bootc: a stand-in with its options, over the real ostree. */
const standIn = readFileSync(resolve(import.meta.dirname, '../support/bootc-stand-in.sh'), 'utf8');

/** Makes an OS with this image what bootc finds in its registry. */
function release(lab: HostLab, image: string): void {
  const files = {
    'usr/bin/bootc': standIn,
    // Where the pages have the files of node_exporter.
    'usr/lib/tmpfiles.d/exporter.conf': 'd /var/lib/node_exporter\n',
    ...service('grafana', lab.name(image)),
  };
  lab.commit('acme/stable', files, (tree) => chmodSync(join(tree, 'usr/bin/bootc'), 0o755));
}

function runBlock(host: Booted, block: string): string {
  const { code, stdout, stderr } = host.try('bash', '-euo', 'pipefail', '-c', block);
  assert.equal(code, 0, `${block}${stderr}`);
  return stdout;
}

test('the pages for a home server and a fleet, from the installation to the next OS', async (t) => {
  const lab = await startHostLab(t, { berth: true });
  const first = lab.push('grafana:1', 'first');
  release(lab, 'grafana:1');
  lab.deploy('acme/stable');
  const host = await lab.boot();
  assert.equal(runs(host, 'grafana'), first);

  const [policy = ''] = blocksOf('docs/howto/home-server.md', 'toml');
  const config = '/etc/berth/berth.toml';
  assert.ok(policy.startsWith(`# ${config}\n`));
  host.run('sh', '-c', `mkdir -p /etc/berth && printf '%s' "$1" > ${config}`, 'sh', policy);
  const home = scriptsOf('docs/howto/home-server.md');
  const [look = '', ...rest] = home;
  assert.match(runBlock(host, look), /grafana\.service +boot +yes$/m);
  for (const block of rest) runBlock(host, block);
  assert.equal(host.try('systemctl', 'is-enabled', 'berth-gate.service').code, 0);
  assert.equal(host.try('systemctl', 'is-active', 'berth-watch.service').code, 0);
  for (const block of scriptsOf('docs/install.md')) runBlock(host, block);
  assert.equal(host.try('berth', 'verify').code, 0);

  const second = lab.push('grafana:2', 'second');
  release(lab, 'grafana:2');
  const [disable = '', upgrade = '', ...after] = scriptsOf('docs/howto/fleet.md');
  runBlock(host, disable);
  assert.match(upgrade, /--from-downloaded --apply\n$/);
  // Its last step reboots, which may end the shell.
  host.try('bash', '-euo', 'pipefail', '-c', upgrade);
  await host.ended();
  await lab.stopRegistry();
  const next = await lab.boot();
  assert.equal(runs(next, 'grafana'), second);
  for (const block of after) runBlock(next, block);
  const metric = next.run('cat', '/var/lib/node_exporter/berth.prom');
  // Nothing is queued, which is a wrong question.
  assert.equal(metric, 'berth_staged_exit_code 2');
});
