import assert from 'node:assert/strict';
import { test } from 'node:test';
import { staticPods } from '../../../src/discovery/kubernetes/static-pods.ts';
import { programFlags } from '../../../src/discovery/services/program-flags.ts';
import { readSystemdUnits } from '../../../src/systemd/systemd-units.ts';
import { rootOf, type Tree } from '../../support/tree.ts';
import { contextOf, problemsOf } from '../source.ts';

const pod = (image: string) => `kind: Pod\nspec:\n  containers:\n  - image: ${image}\n`;
const config = (lines: string) => `kind: KubeletConfiguration\n${lines}\n`;
const unit = '/usr/lib/systemd/system/kubelet.service';
const service = (flags: string) => ({ [unit]: `[Service]\nExecStart=/usr/bin/kubelet ${flags}\n` });

const pods = {
  '/etc/kubernetes/manifests/default.yaml': pod('q.io/default:1'),
  '/etc/node/pods/own.yaml': pod('q.io/own:1'),
  '/etc/other/other.yaml': pod('q.io/other:1'),
  '/etc/node/kubelet.yaml': config('staticPodPath: pods'),
  '/etc/node/bare.yaml': config('clusterDomain: x'),
  '/etc/node/url.yaml': config('staticPodURL: http://x/pods'),
  '/etc/node/kubelet.d/10.conf': config('staticPodPath: /etc/other'),
};

const kubeadm = {
  [unit]: '[Service]\nExecStart=/usr/bin/kubelet\n',
  '/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf': [
    '[Service]',
    'Environment="KUBELET_KUBECONFIG_ARGS=--kubeconfig=/etc/kubernetes/kubelet.conf"',
    'Environment="KUBELET_CONFIG_ARGS=--config=/etc/node/kubelet.yaml"',
    'EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env',
    'EnvironmentFile=-/etc/default/kubelet',
    'ExecStart=',
    'ExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS',
    '',
  ].join('\n'),
};

async function of(t: Parameters<typeof rootOf>[0], tree: Tree) {
  const root = rootOf(t, { '/etc/os-release': 'ID=x\n', ...pods, ...tree });
  const context = contextOf(root);
  const units = readSystemdUnits(root, '/etc', { ...context, manager: 'system', generated: [] });
  const found = await staticPods(context, (name) => programFlags(name, units, context));
  return {
    images: found.references.map(({ image, engine }) => `${image} ${engine}`),
    problems: problemsOf(found),
  };
}

test('the flags of the kubelet go before its configuration', async (t) => {
  const cases: readonly (readonly [Tree, readonly string[], readonly string[]])[] = [
    [service(''), ['q.io/default:1 containerd'], []],
    [service('--config=/etc/node/kubelet.yaml'), ['q.io/own:1 containerd'], []],
    [service('--config /etc/node/kubelet.yaml'), ['q.io/own:1 containerd'], []],
    // Without a staticPodPath the kubelet runs no static pods.
    [service('--config=/etc/node/bare.yaml'), [], []],
    [
      service('--config=/etc/node/kubelet.yaml --config-dir=/etc/node/kubelet.d'),
      ['q.io/other:1 containerd'],
      [],
    ],
    [
      service('--config=/etc/node/kubelet.yaml --pod-manifest-path=/etc/other'),
      ['q.io/other:1 containerd'],
      [],
    ],
    [
      service('--config=/etc/node/kubelet.yaml --container-runtime-endpoint=/run/crio/crio.sock'),
      ['q.io/own:1 crio'],
      [],
    ],
    [service('--config=/etc/lost.yaml'), ['q.io/default:1 containerd'], [`cited-file ${unit}:2`]],
    // kubeadm writes this file when the node joins its cluster.
    [service('--config=/var/lib/kubelet/config.yaml'), ['q.io/default:1 containerd'], []],
    [
      service('--manifest-url=http://x/pods'),
      ['q.io/default:1 containerd'],
      [`kube-unread ${unit}:2`],
    ],
    [service('--config=/etc/node/url.yaml'), [], ['kube-unread /etc/node/url.yaml:1']],
    [service('--config=/etc/node/kubelet.yaml --pod-manifest-path='), [], []],
    [
      {
        ...service('--config=/etc/node/kubelet.yaml --config-dir=/etc/node/kubelet.d'),
        '/etc/node/kubelet.d/20.d/a.conf': config('staticPodPath: etc/node/pods'),
        '/etc/node/kubelet.d/20.d/b.conf/c.conf': config('podsPerCore: 1'),
        '/etc/node/kubelet.d/20.d/x.yaml': config('staticPodPath: /etc/other'),
      },
      ['q.io/own:1 containerd'],
      [],
    ],
    [
      {
        ...service('--config=/etc/node/kubelet.yaml --config-dir=/etc/node/kubelet.d'),
        '/etc/node/kubelet.d/20.conf': config('staticPodPath: ""'),
      },
      [],
      [],
    ],
    [
      service('--config=/etc/node/bare.yaml --pod-infra-container-image=q.io/pause:3'),
      ['q.io/pause:3 containerd'],
      [],
    ],
    [kubeadm, ['q.io/own:1 containerd'], []],
    [
      { ...kubeadm, '/etc/default/kubelet': 'KUBELET_EXTRA_ARGS=--pod-manifest-path=/etc/other\n' },
      ['q.io/other:1 containerd'],
      [],
    ],
    [
      {
        ...kubeadm,
        '/var/lib/kubelet/kubeadm-flags.env':
          'KUBELET_KUBEADM_ARGS="--container-runtime-endpoint=unix:///var/run/crio/crio.sock --node-ip=::"\n',
      },
      ['q.io/own:1 crio'],
      [],
    ],
  ];
  for (const [tree, images, problems] of cases) {
    assert.deepEqual(await of(t, tree), { images, problems }, JSON.stringify(tree));
  }
});
