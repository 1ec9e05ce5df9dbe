import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Located, locateContainerd } from '../../../src/engine/containerd/locate.ts';
import { writeRoot } from '../../support/berth.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

test('CONTAINERD_ADDRESS names the socket, with or without its scheme', () => {
  const socketBy = (address: string) =>
    locateContainerd(undefined, { CONTAINERD_ADDRESS: address });
  assert.deepEqual(socketBy('/run/my.sock'), { socket: '/run/my.sock' });
  assert.deepEqual(socketBy('unix:///run/my.sock'), { socket: '/run/my.sock' });
});

test('CONTAINERD_ADDRESS of another machine, or none at all, is refused', () => {
  for (const address of ['tcp://h.example:1', 'npipe://x', 'unix://run.sock', 'run.sock']) {
    assert.throws(() => locateContainerd(undefined, { CONTAINERD_ADDRESS: address }), {
      code: 'engine-failed',
      message: `expected CONTAINERD_ADDRESS to be the path of a socket, found ${address}`,
    });
  }
});

test('the containerd that an installed Kubernetes has yet to start is waited for, whatever else listens', (t) => {
  const directory = temporaryDirectory(t);
  const units = ['etc', 'usr'].map((name) => join(directory, name));
  const awaited = (namespace?: string) => {
    const located: Located = locateContainerd(namespace, {}, units);
    return 'reason' in located && located.reason.includes('is installed') ? located.reason : '';
  };
  const unit = '[Service]\nExecStart=/usr/bin/x\n';
  writeRoot(directory, { 'usr/k3s-other.service': unit, 'usr/containerd.service': unit });
  assert.equal(awaited(), '');
  writeRoot(directory, { 'etc/k3s.service': '-> /dev/null' });
  assert.equal(awaited(), '', 'a masked service never starts');
  writeRoot(directory, { 'usr/rke2-agent.service': unit });
  const reason = 'rke2-agent.service is installed, and its containerd does not listen';
  assert.equal(awaited(), reason);
  assert.equal(awaited('k8s.io'), reason);
  assert.equal(awaited('default'), '', 'other namespaces are in the containerd of the host');
});

for (const [what, files] of [
  [
    'a configuration',
    { 'rancher/k3s/config.yaml': 'container-runtime-endpoint: "unix://SOCKET"\n' },
  ],
  [
    'a drop-in of the configuration',
    {
      'rancher/k3s/config.yaml': '# container-runtime-endpoint: /run/a/containerd.sock\n',
      'rancher/k3s/config.yaml.d/10-runtime.yaml': 'token: x\ncontainer-runtime-endpoint: SOCKET\n',
    },
  ],
  [
    'a command line as the installer of k3s writes it, over a configuration',
    {
      'rancher/k3s/config.yaml': 'container-runtime-endpoint: /run/other/containerd.sock\n',
      'etc/k3s.service':
        "[Service]\nExecStart=/usr/local/bin/k3s \\\n    server \\\n\t'--container-runtime-endpoint' \\\n\t'unix://SOCKET' \\\n\n",
    },
  ],
  [
    'a drop-in of the service',
    {
      'usr/k3s.service.d/runtime.conf':
        '[Service]\nExecStart=\nExecStart=/usr/bin/k3s server --container-runtime-endpoint=SOCKET\n',
    },
  ],
] as const) {
  test(`the containerd of the host that k3s is told to use is that of Kubernetes: ${what}`, async (t) => {
    const directory = temporaryDirectory(t);
    const units = ['etc', 'usr'].map((name) => join(directory, name));
    const socket = join(directory, 'containerd.sock');
    writeRoot(directory, { 'usr/k3s.service': '[Service]\nExecStart=/usr/bin/k3s server\n' });
    const given = Object.entries(files).map(([path, text]) => [
      path,
      text.replace('SOCKET', socket),
    ]);
    writeRoot(directory, Object.fromEntries(given));
    const located = () => locateContainerd(undefined, {}, units, join(directory, 'rancher'));
    assert.deepEqual(located(), {
      reason: `k3s.service is installed, and its containerd does not listen at ${socket}`,
    });
    const server = createServer().listen(socket);
    t.after(() => server.close());
    await once(server, 'listening');
    assert.deepEqual(located(), { socket });
  });
}

test('a runtime that is no containerd is never taken for one', (t) => {
  const directory = temporaryDirectory(t);
  const line = '/usr/bin/k0s worker --cri-socket=remote:unix:///run/crio/crio.sock';
  writeRoot(directory, { 'k0sworker.service': `[Service]\nExecStart=${line}\n` });
  assert.deepEqual(locateContainerd(undefined, {}, [directory]), {
    reason: 'k0sworker.service is installed, and uses /run/crio/crio.sock in place of a containerd',
  });
});
