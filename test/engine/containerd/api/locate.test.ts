import assert from 'node:assert/strict';
import { test } from 'node:test';
import { containerdSocket } from '../../../../src/engine/containerd/containerd.ts';

test('CONTAINERD_ADDRESS names the socket, with or without its scheme', () => {
  const socketBy = (address: string) =>
    containerdSocket(undefined, { CONTAINERD_ADDRESS: address });
  assert.equal(socketBy('/run/my.sock'), '/run/my.sock');
  assert.equal(socketBy('unix:///run/my.sock'), '/run/my.sock');
});

test('CONTAINERD_ADDRESS of another machine, or none at all, is refused', () => {
  for (const address of ['tcp://h.example:1', 'npipe://x', 'unix://run.sock', 'run.sock']) {
    assert.throws(() => containerdSocket(undefined, { CONTAINERD_ADDRESS: address }), {
      code: 'engine-failed',
      message: `expected CONTAINERD_ADDRESS to be the path of a socket, found ${address}`,
    });
  }
});
