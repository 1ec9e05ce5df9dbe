import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { discover } from '../../../src/discovery/discover.ts';
import { rootOf, shortNames, type Tree } from '../../support/tree.ts';
import { engineTests } from './found.ts';
import { service } from './trees.ts';

engineTests([
  [
    'a namespace that a shell sets for the command',
    service("ExecStart=sh -c 'CONTAINERD_NAMESPACE=x ctr run q.io/a:1 y'"),
    'containerd:x',
  ],
  ['nerdctl', service('ExecStart=nerdctl run q.io/a:1'), 'containerd:default'],
  ['nerdctl -n', service('ExecStart=nerdctl -n k8s.io run q.io/a:1'), 'containerd'],
  ['nerdctl --namespace=', service('ExecStart=nerdctl --namespace=x run q.io/a:1'), 'containerd:x'],
  [
    'CONTAINERD_NAMESPACE',
    service('Environment=CONTAINERD_NAMESPACE=y\nExecStart=nerdctl run q.io/a:1'),
    'containerd:y',
  ],
  ['nerdctl with a bad namespace', service('ExecStart=nerdctl -n a/b run q.io/a:1'), '-'],
  [
    'nerdctl with another socket',
    service('ExecStart=nerdctl -a /run/k3s/containerd/containerd.sock run q.io/a:1'),
    '-',
  ],
  [
    "nerdctl's configuration",
    { ...service('ExecStart=nerdctl run q.io/a:1'), ...nerdctl('namespace = "z"') },
    'containerd:z',
  ],
  [
    "nerdctl's configuration, replaced",
    { ...service('ExecStart=nerdctl -n x run q.io/a:1'), ...nerdctl('namespace = "z"') },
    'containerd:x',
  ],
  [
    "nerdctl's configuration with another socket",
    { ...service('ExecStart=nerdctl run q.io/a:1'), ...nerdctl('address = "/run/x.sock"') },
    '-',
  ],
  [
    "nerdctl's configuration, no TOML",
    { ...service('ExecStart=nerdctl run q.io/a:1'), ...nerdctl('[') },
    '-',
  ],
  ['nerdctl of a user', service('User=app\nExecStart=nerdctl run q.io/a:1'), '-'],
  ['ctr', service('ExecStart=/usr/bin/ctr run --rm -d q.io/a:1 a sh'), 'containerd:default'],
  ['ctr -n', service('ExecStart=ctr -n k8s.io run q.io/a:1 a'), 'containerd'],
  ['ctr of a user', service('User=app\nExecStart=ctr run q.io/a:1 a'), 'containerd:default'],
  [
    'ctr images pull',
    service('ExecStart=-ctr --namespace x i pull -u a:b q.io/a:1'),
    'containerd:x',
  ],
  ['ctr with another socket', service('ExecStart=ctr -a /run/x.sock c create q.io/a:1 a'), '-'],
  ['ctr with a specification', service('ExecStart=ctr run -c /etc/spec.json a'), ''],
  ['ctr without an image', service('ExecStart=ctr tasks ls'), ''],
]);

test('a variable from a file that not everybody may read is in no engine', async (t) => {
  const root = rootOf(t, {
    '/etc/secret': 'CONTAINERD_NAMESPACE=hidden\n',
    ...service('EnvironmentFile=/etc/secret\nExecStart=nerdctl run q.io/a:1'),
  });
  chmodSync(join(root.location, 'etc/secret'), 0o600);
  const { references } = await discover(root, { shortNames, architecture: 'x86-64' });
  assert.equal(references[0]?.engine, undefined);
  assert.ok(!JSON.stringify(references).includes('hidden'));
});

function nerdctl(text: string): Tree {
  return { '/etc/nerdctl/nerdctl.toml': text };
}
