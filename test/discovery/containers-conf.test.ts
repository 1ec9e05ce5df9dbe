import assert from 'node:assert/strict';
import { test } from 'node:test';
import { discovered, problems, type Tree } from '../support/tree.ts';

const quadlets = '/usr/share/containers/systemd';
const pod = 'kind: Pod\nspec: {containers: [{name: c, image: "q.io/k:1"}]}\n';
const units: Tree = {
  [`${quadlets}/p.pod`]: '[Pod]\n',
  [`${quadlets}/k.kube`]: '[Kube]\nYaml=k.yaml\n',
  [`${quadlets}/k.yaml`]: pod,
  '/etc/systemd/system/s.service':
    '[Service]\nExecStart=podman kube play /srv/k.yaml\nExecStartPre=podman pod create x\n',
  '/srv/k.yaml': pod,
};
const infra = (image: string) => `[engine]\ninfra_image = "${image}"\n`;

async function found(t: Parameters<typeof discovered>[0], tree: Tree) {
  const all = await discovered(t, tree);
  const named = all.references.map(
    ({ unit, image = '-', pull }) => `${unit} ${image} ${pull.policy}`,
  );
  return { named, wrong: problems(all) };
}

test('the infra image of containers.conf is an image of every pod', async (t) => {
  const { named } = await found(t, {
    ...units,
    '/usr/share/containers/containers.conf': infra('q.io/old:1'),
    '/etc/containers/containers.conf.d/10.conf': infra('q.io/pause:1'),
  });
  assert.deepEqual(
    named.toSorted(),
    [
      'k.service q.io/k:1 missing',
      'k.service q.io/pause:1 missing',
      'p-pod.service q.io/pause:1 missing',
      's.service q.io/k:1 missing',
      's.service q.io/pause:1 missing',
      's.service q.io/pause:1 missing',
    ].map((line) => line.replace('newer', 'missing')),
  );
});

test('a pod without an infra container, or with an infra image of its own, needs no other', async (t) => {
  const { named } = await found(t, {
    '/etc/containers/containers.conf': infra('q.io/pause:1'),
    [`${quadlets}/a.pod`]: '[Pod]\nPodmanArgs=--infra=false\n',
    [`${quadlets}/b.pod`]: '[Pod]\nPodmanArgs=--infra-image=q.io/own:1\n',
  });
  assert.deepEqual(named, ['b-pod.service q.io/own:1 missing']);
  const empty = await found(t, { ...units, '/etc/containers/containers.conf': infra('') });
  assert.equal(empty.named.length, 2);
});

test('pull_policy is the default of containers, and always needs a registry', async (t) => {
  const tree = (policy: string): Tree => ({
    '/etc/containers/containers.conf': `[engine]\npull_policy = "${policy}"\n`,
    [`${quadlets}/a.container`]: '[Container]\nImage=q.io/a:1\n',
    [`${quadlets}/b.container`]: '[Container]\nImage=q.io/b:1\nPull=missing\n',
    '/etc/systemd/system/s.service': '[Service]\nExecStart=podman run q.io/s:1\n',
  });
  const { named, wrong } = await found(t, tree('always'));
  assert.deepEqual(named, [
    's.service q.io/s:1 always',
    'a.service q.io/a:1 always',
    'b.service q.io/b:1 missing',
  ]);
  assert.deepEqual(wrong, [
    'pull-always /etc/systemd/system/s.service:2',
    'pull-always /etc/containers/containers.conf:2',
  ]);
  assert.deepEqual((await found(t, tree('never'))).wrong, []);
});

test('a remote podman, and a file that is not TOML', async (t) => {
  const tree = (text: string): Tree => ({
    '/etc/containers/containers.conf': text,
    [`${quadlets}/a.container`]: '[Container]\nImage=q.io/a:1\n',
  });
  const remote = await found(t, tree('[engine]\nremote = true\n'));
  assert.deepEqual(remote.wrong, [`storage-differs ${quadlets}/a.container`]);
  const broken = await found(t, tree('[engine\n'));
  assert.deepEqual(broken.wrong, ['storage-conf /etc/containers/containers.conf:1']);
});
