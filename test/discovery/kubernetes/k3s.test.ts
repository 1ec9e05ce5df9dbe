import assert from 'node:assert/strict';
import { test } from 'node:test';
import { k3sImages } from '../../../src/discovery/kubernetes/rancher/k3s.ts';
import { programFlags } from '../../../src/discovery/services/program-flags.ts';
import { readSystemdUnits } from '../../../src/systemd/systemd-units.ts';
import { rootOf, type Tree } from '../../support/tree.ts';
import { contextOf, problemsOf } from '../source.ts';

const pod = (image: string) => `kind: Pod\nspec:\n  containers:\n  - image: ${image}\n`;
const data = '/var/lib/rancher/k3s';
const config = '/etc/rancher/k3s/config.yaml';
const unitOf = (name: string) => `/etc/systemd/system/${name}.service`;
const k3s = (flags: string, more = '') => ({
  [unitOf('k3s')]: `[Service]\n${more}ExecStart=/usr/local/bin/k3s server ${flags}\n`,
  // A list of images, so that nothing has to be said of k3s's own.
  [`${data}/agent/images/k3s-images.txt`]: '',
});

async function of(t: Parameters<typeof rootOf>[0], tree: Tree) {
  const root = rootOf(t, { '/etc/os-release': 'ID=x\n', ...tree });
  const context = contextOf(root);
  const units = readSystemdUnits(root, '/etc', { ...context, manager: 'system', generated: [] });
  const found = await k3sImages(context, (name) => programFlags(name, units, context));
  return {
    images: found.references.map(({ image }) => image ?? '-'),
    engines: new Set(found.references.map(({ engine }) => engine ?? '-')),
    units: new Set(found.references.map(({ unit }) => unit)),
    notes: found.problems.flatMap(({ note, path }) => (note === true ? [path] : [])),
    problems: problemsOf({
      references: [],
      problems: found.problems.filter(({ note }) => note !== true),
    }),
  };
}

test('a data directory names static pods, manifests and lists', async (t) => {
  const found = await of(t, {
    [`${data}/agent/pod-manifests/a.yaml`]: pod('q.io/a:1'),
    [`${data}/agent/pod-manifests/more/x.yaml`]: pod('q.io/x:1'),
    [`${data}/server/manifests/sub/b.yaml`]: pod('b:1'),
    [`${data}/server/manifests/notes.txt`]: pod('q.io/x:1'),
    [`${data}/server/manifests/.hidden.yaml`]: pod('q.io/x:1'),
    [`${data}/server/manifests/off.yaml`]: pod('q.io/x:1'),
    [`${data}/server/manifests/sub/off.yaml.skip`]: '',
    [`${data}/server/manifests/chart.yaml`]: 'kind: HelmChart\nspec: {jobImage: "q.io/helm:1"}\n',
    [`${data}/agent/images/list.txt`]: 'q.io/listed:1\n\n',
    [`${data}/agent/images/k3s.tar.zst`]: '',
    [`${data}/agent/images/more.TGZ`]: '',
    [`${data}/agent/images/lost.tar`]: '-> nowhere',
    [`${data}/agent/images/cache.json`]: '',
  });
  assert.deepEqual(found, {
    images: ['q.io/a:1', 'q.io/helm:1', 'docker.io/library/b:1', 'q.io/listed:1'],
    engines: new Set(['containerd']),
    units: new Set(['k3s.service']),
    notes: [`${data}/agent/images/k3s.tar.zst`, `${data}/agent/images/more.TGZ`],
    problems: [
      `kube-unread ${data}/server/manifests/chart.yaml:1`,
      `dangling-link ${data}/agent/images/lost.tar`,
    ],
  });
});

test('a service without archives and lists has images that only the program knows', async (t) => {
  const unit = unitOf('rke2-agent');
  const tree = { [unit]: '[Service]\nExecStart=/usr/bin/rke2 agent\n' };
  assert.deepEqual((await of(t, tree)).problems, [`kube-unread ${unit}:2`]);
});

test('each service of a tree has the images that it runs', async (t) => {
  const directory = '/var/lib/rancher/rke2';
  const found = await of(t, {
    [unitOf('rke2-server')]: '[Service]\nExecStart=/usr/bin/rke2 server\n',
    [unitOf('rke2-agent')]: '[Service]\nExecStart=/usr/bin/rke2 agent\n',
    '/etc/rancher/rke2/config.yaml': 'etcd-image: q.io/etcd:1\nkube-proxy-image: q.io/proxy:1\n',
    [`${directory}/server/manifests/a.yaml`]: pod('q.io/a:1'),
    [`${directory}/agent/images/rke2.tar.gz`]: '',
  });
  assert.deepEqual(found.images, ['q.io/proxy:1', 'q.io/etcd:1', 'q.io/a:1', 'q.io/proxy:1']);
  assert.deepEqual(found.units, new Set(['rke2-server.service', 'rke2-agent.service']));
  assert.deepEqual(found.problems, []);
});

test('the command line goes before the files, and these before the variables', async (t) => {
  const registry = 'Environment=K3S_SYSTEM_DEFAULT_REGISTRY=env.io\n';
  const cases: readonly (readonly [Tree, readonly string[], (readonly string[])?])[] = [
    [k3s('--pause-image=q.io/pause:1'), ['q.io/pause:1']],
    [k3s('--pause-image p:1 --system-default-registry q.io'), ['q.io/p:1']],
    [k3s('--pause-image env.io/p:1', registry), ['env.io/p:1']],
    [{ ...k3s('', registry), [config]: 'pause-image: p:1\n' }, ['env.io/p:1']],
    [
      { ...k3s('', registry), [config]: 'pause-image: p:1\nsystem-default-registry: "file.io"\n' },
      ['file.io/p:1'],
    ],
    [{ ...k3s('--pause-image=p:2'), [config]: 'pause-image: p:1\n' }, ['docker.io/library/p:2']],
    // Drop-ins in order; a directory and another ending do not count.
    [
      {
        ...k3s(''),
        [`${config}.d/20.yml`]: 'pause-image: q.io/p:20\n',
        [`${config}.d/10.yaml`]: 'pause-image: q.io/p:10\n',
        [`${config}.d/30.txt`]: 'pause-image: q.io/p:30\n',
        [`${config}.d/40.yaml/x.yaml`]: 'pause-image: q.io/p:40\n',
      },
      ['q.io/p:20'],
    ],
    // The variable names another file, whatever the command line says.
    [
      {
        ...k3s('--config /etc/a.yaml', 'Environment=K3S_CONFIG_FILE=/etc/b.yaml\n'),
        [config]: 'pause-image: q.io/default:1\n',
        '/etc/a.yaml': 'pause-image: q.io/a:1\n',
        '/etc/b.yaml': 'pause-image: q.io/b:1\n',
      },
      ['q.io/b:1'],
    ],
    [k3s('-c=https://x/config.yaml'), [], [`kube-unread ${unitOf('k3s')}:2`]],
    [{ ...k3s(''), [config]: 'disable-agent: true\npause-image: q.io/p:1\n' }, []],
    [k3s('agent --helm-job-image=q.io/helm:1'), []],
    [k3s('--helm-job-image=q.io/helm:1'), ['q.io/helm:1']],
    [{ ...k3s(''), [config]: 'a: [\n' }, [], [`yaml ${config}:2`]],
  ];
  for (const [tree, images, problems = []] of cases) {
    const found = await of(t, tree);
    assert.deepEqual([found.images, found.problems], [images, problems], JSON.stringify(tree));
  }
});

test('settings move directories and leave components away', async (t) => {
  const tree = {
    '/srv/k3s/agent/images/own.txt': 'q.io/listed:1',
    '/srv/k3s/server/manifests/a.yaml': pod('q.io/a:1'),
    '/srv/k3s/server/manifests/b.yaml': pod('q.io/b:1'),
    '/srv/k3s/server/manifests/c/d/e.yaml': pod('q.io/e:1'),
    '/srv/pods/p.yaml': pod('q.io/p:1'),
  };
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['data-dir: /srv/k3s\n', ['q.io/a:1', 'q.io/b:1', 'q.io/e:1', 'q.io/listed:1']],
    ['d: /srv/k3s\ndisable: [a, c]\n', ['q.io/b:1', 'q.io/listed:1']],
    ['data-dir: /srv/k3s\ndisable: "a, b"\n', ['q.io/e:1', 'q.io/listed:1']],
    ['data-dir: /srv/k3s\ndisable: [a]\ndisable+: c/d\n', ['q.io/b:1', 'q.io/listed:1']],
    [
      'data-dir: /srv/k3s\ndisable: [a, b, e]\nkubelet-arg: [v=2, pod-manifest-path=/srv/pods]\n',
      ['q.io/p:1', 'q.io/listed:1'],
    ],
  ];
  for (const [text, images] of cases) {
    const found = await of(t, { ...k3s(''), ...tree, [config]: text });
    assert.deepEqual([found.images, found.problems], [images, []], text);
  }
  const other = { ...k3s(''), ...tree, [config]: 'kubelet-arg: config=/etc/kubelet.yaml\n' };
  assert.deepEqual((await of(t, other)).problems, [`kube-unread ${config}:1`]);
});

test('the engine is the one that the settings name', async (t) => {
  const list = { [`${data}/agent/images/a.txt`]: 'q.io/a:1' };
  const engineWith = async (text: string) =>
    (await of(t, { ...k3s(''), ...list, [config]: text })).engines;
  assert.deepEqual(await engineWith(''), new Set(['containerd']));
  assert.deepEqual(await engineWith('docker: true'), new Set(['docker']));
  assert.deepEqual(await engineWith('docker: false'), new Set(['containerd']));
  assert.deepEqual(
    await engineWith('container-runtime-endpoint: unix:///run/crio/crio.sock'),
    new Set(['crio']),
  );
});
