import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readContainersConf } from '../../src/discovery/containers-conf.ts';
import { discovered, problems, rootOf, type Tree } from '../support/tree.ts';

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

const modules = '/usr/share/containers/containers.conf.modules';

test('settings of modules count for the podmans that are started with them', async (t) => {
  const { named, wrong } = await found(t, {
    [`${modules}/always.conf`]: '[engine]\npull_policy = "always"\n',
    [`${modules}/team/never.conf`]: '[engine]\npull_policy = "never"\n',
    '/etc/containers/containers.conf.modules/always.conf': '[engine]\npull_policy = "newer"\n',
    [`${modules}/infra.conf`]: infra('q.io/pause:1'),
    [`${quadlets}/a.container`]: '[Container]\nImage=q.io/a:1\nContainersConfModule=always.conf\n',
    [`${quadlets}/b.container`]:
      '[Container]\nImage=q.io/b:1\nContainersConfModule=always.conf\nGlobalArgs=--module team/never.conf\n',
    [`${quadlets}/c.container`]: '[Container]\nImage=q.io/c:1\n',
    [`${quadlets}/p.pod`]: '[Pod]\nContainersConfModule=infra.conf\n',
    [`${quadlets}/q.pod`]: '[Pod]\n',
    '/etc/systemd/system/s.service':
      '[Service]\nExecStart=podman --module=team/never.conf run q.io/s:1\nExecStartPre=podman --module infra.conf pod create x\n',
  });
  assert.deepEqual(wrong, []);
  assert.deepEqual(named.toSorted(), [
    'a.service q.io/a:1 newer',
    'b.service q.io/b:1 never',
    'c.service q.io/c:1 missing',
    'p-pod.service q.io/pause:1 missing',
    's.service q.io/pause:1 missing',
    's.service q.io/s:1 never',
  ]);
});

test('a module elsewhere that names images is a problem, one that does not is none', async (t) => {
  const tree = (text: string): Tree => ({
    '/srv/m.conf': text,
    [`${quadlets}/a.container`]: '[Container]\nImage=q.io/a:1\nContainersConfModule=/srv/m.conf\n',
  });
  assert.deepEqual((await found(t, tree(infra('q.io/x')))).wrong, [
    `command-line ${quadlets}/a.container:3`,
  ]);
  assert.deepEqual((await found(t, tree('[engine]\nevents_logger = "file"\n'))).wrong, []);
});

test('a module with which podman does not start is a problem of its units', async (t) => {
  const { wrong } = await found(t, {
    [`${modules}/bad.conf`]: '[engine]\npull_policy = "sometimes"\n',
    [`${modules}/worse.conf`]: '[engine\n',
    [`${quadlets}/a.container`]: '[Container]\nImage=q.io/a:1\nContainersConfModule=bad.conf\n',
    [`${quadlets}/b.container`]: '[Container]\nImage=q.io/b:1\nContainersConfModule=worse.conf\n',
    [`${quadlets}/c.container`]: '[Container]\nImage=q.io/c:1\n',
  });
  assert.deepEqual(wrong, [
    `storage-conf ${quadlets}/a.container:3`,
    `storage-conf ${quadlets}/b.container:3`,
  ]);
});

test('a connection that is only named does not lead podman elsewhere', async (t) => {
  const { wrong } = await found(t, {
    '/etc/containers/containers.conf': '[engine]\nactive_service = "x"\n',
    [`${quadlets}/a.container`]: '[Container]\nImage=q.io/a:1\n',
  });
  assert.deepEqual(wrong, []);
});

test('a remote podman', async (t) => {
  const tree = (text: string): Tree => ({
    '/etc/containers/containers.conf': text,
    [`${quadlets}/a.container`]: '[Container]\nImage=q.io/a:1\n',
  });
  const remote = await found(t, tree('[engine]\nremote = true\n'));
  assert.deepEqual(remote.wrong, [`storage-differs ${quadlets}/a.container`]);
});

test('files that podman refuses are a problem', async (t) => {
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['[engine\n', '/etc/containers/containers.conf:1'],
    ['[engine]\npull_policy = "sometimes"\n', '/etc/containers/containers.conf:2'],
    ['[engine]\npull_policy = 3\n', '/etc/containers/containers.conf:2'],
    ['[engine]\nremote = "yes"\n', '/etc/containers/containers.conf:2'],
    ['[engine]\ninfra_image = ["q.io/a"]\n', '/etc/containers/containers.conf:2'],
    ['[engine]\npull_policy = ""\n', undefined],
    ['[engine]\npull_policy = "NEWER"\n', undefined],
    ['[engine]\nunknown = 1\n[other]\nx = 1\n', undefined],
  ];
  for (const [text, place] of rows) {
    const root = rootOf(t, { '/etc/containers/containers.conf': text });
    const { problem } = await readContainersConf(root, '/etc');
    assert.equal(problem && `${problem.path}:${problem.line}`, place, text);
  }
});

test('a later file may correct a policy that podman refuses', async (t) => {
  const root = rootOf(t, {
    '/usr/share/containers/containers.conf': '[engine]\npull_policy = "sometimes"\n',
    '/etc/containers/containers.conf': '[engine]\npull_policy = "never"\n',
  });
  const { problem, pullPolicy } = await readContainersConf(root, '/etc');
  assert.deepEqual([problem, pullPolicy?.policy], [undefined, 'never']);
});
