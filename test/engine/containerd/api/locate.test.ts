import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Located, locateContainerd } from '../../../../src/engine/containerd/api/locate.ts';
import { writeRoot } from '../../../support/berth.ts';
import { temporaryDirectory } from '../../../support/temporary.ts';

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
