import assert from 'node:assert/strict';
import { test } from 'node:test';
import { enginesOf, engineTests, found } from './found.ts';
import { list } from './trees.ts';

engineTests([
  ['a list', list('q.io/a:1\n'), 'podman'],
  ['a list of docker', list('# base\n\n# engine: docker\nq.io/a:1\nq.io/b:1\n'), 'docker docker'],
  ['a list of a namespace', list('#engine: containerd:x\r\nq.io/a:1\n'), 'containerd:x'],
  ['a list of Kubernetes', list('# engine: containerd:k8s.io\nq.io/a:1\n'), 'containerd'],
  ['a list of a UID', list('# engine: podman:1001\nq.io/a:1\n'), 'podman:app'],
  ['a list of root', list('# engine: podman:root\nq.io/a:1\n'), 'podman'],
  ['a list of an unknown engine', list('# engine: rkt\nq.io/a:1\n'), '-'],
  ['a list with two engines', list('# engine: docker\n# engine: crio\nq.io/a:1\n'), '-'],
  ['a list with its engine too late', list('q.io/a:1\n# engine: docker\n'), '-'],
]);

test('the engine of lists without a header can be chosen', async (t) => {
  const chosen = async (text: string) => enginesOf(await found(t, list(text), { lists: 'docker' }));
  assert.equal(await chosen('q.io/a:1\n'), 'docker');
  assert.equal(await chosen('# engine: crio\nq.io/a:1\n'), 'crio');
});
