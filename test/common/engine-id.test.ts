import assert from 'node:assert/strict';
import test from 'node:test';
import { containerdIn, engineParts, isEngineId, podmanOf } from '../../src/common/engine-id.ts';

test('the id of an engine is a program, and for some a user or a namespace', () => {
  const ids = ['podman', 'podman:eve', 'podman:1001', 'podman:win$', 'docker', 'crio', 'store'];
  for (const id of [...ids, 'containerd', 'containerd:my-ns.1']) assert.ok(isEngineId(id), id);
  const wrong = ['', 'Podman', 'podman:', 'podman:-a', 'podman:a b', 'podman:a:b', 'podman:../x'];
  for (const id of [...wrong, 'docker:x', 'crio:x', 'store:x', 'containerd:-', 'podman:a\n', 1]) {
    assert.ok(!isEngineId(id), String(id));
  }
});

test('an id is made of its parts and taken apart again', () => {
  assert.equal(podmanOf('eve'), 'podman:eve');
  assert.equal(podmanOf('eve/..'), undefined);
  assert.equal(containerdIn('k8s.io'), 'containerd');
  assert.equal(containerdIn('moby'), 'containerd:moby');
  assert.equal(containerdIn('..'), undefined);
  assert.deepEqual(engineParts('podman:eve'), { kind: 'podman', user: 'eve' });
  assert.deepEqual(engineParts('containerd:moby'), { kind: 'containerd', namespace: 'moby' });
  assert.deepEqual(engineParts('store'), { kind: 'store' });
});
