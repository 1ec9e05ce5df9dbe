import type { Tree } from '../../support/tree.ts';
import { engineTests } from './found.ts';
import { manifest } from './trees.ts';

engineTests([
  ['static pods', { '/etc/kubernetes/manifests/p.yaml': manifest }, 'containerd'],
  ['static pods, endpoint of CRI-O', pod('unix:///var/run/crio/crio.sock'), 'crio'],
  ['static pods, endpoint without a scheme', pod('/run/crio/crio.sock'), 'crio'],
  [
    'static pods, endpoint of containerd',
    pod('unix:///run/containerd/containerd.sock'),
    'containerd',
  ],
  ['static pods, endpoint of cri-dockerd', pod('unix:///var/run/cri-dockerd.sock'), 'docker'],
  ['static pods, another endpoint', pod('unix:///run/other/other.sock'), '-'],
  ['static pods of k3s', pod('unix:///run/k3s/containerd/containerd.sock'), 'containerd'],
  [
    "the kubelet's own flag",
    {
      ...pod('unix:///run/containerd/containerd.sock'),
      '/usr/lib/systemd/system/kubelet.service':
        '[Service]\nEnvironmentFile=/etc/kubelet.env\nExecStart=/usr/bin/kubelet $ARGS\n',
      '/etc/kubelet.env': 'ARGS=--v=2 --container-runtime-endpoint=/var/run/crio/crio.sock\n',
    },
    'crio',
  ],
  [
    "the kubelet's own flag in two words",
    {
      '/etc/kubernetes/manifests/p.yaml': manifest,
      '/usr/lib/systemd/system/kubelet.service':
        '[Service]\nExecStart=kubelet --container-runtime-endpoint unix:///run/crio/crio.sock\n',
    },
    'crio',
  ],
  [
    'static pods on a root with CRI-O only',
    { '/etc/kubernetes/manifests/p.yaml': manifest, '/usr/bin/crio': '' },
    'crio',
  ],
  [
    'static pods on a root with CRI-O and containerd',
    {
      '/etc/kubernetes/manifests/p.yaml': manifest,
      '/usr/bin/crio': '',
      '/usr/local/bin/containerd': '',
    },
    'containerd',
  ],
  [
    'pause images',
    {
      '/etc/containerd/config.toml': '[plugins.cri]\nsandbox_image = "q.io/pause:1"\n',
      '/etc/crio/crio.conf': '[crio.image]\npause_image = "q.io/pause:2"\n',
    },
    'containerd crio',
  ],
  ['a PinnedImageSet', pinned({}), 'containerd'],
  ['a PinnedImageSet with CRI-O', pinned({ '/etc/crio/crio.conf': '' }), 'crio'],
]);

function pod(endpoint: string): Tree {
  return {
    '/etc/kubernetes/manifests/p.yaml': manifest,
    '/var/lib/kubelet/config.yaml': `kind: KubeletConfiguration\ncontainerRuntimeEndpoint: ${endpoint}\n`,
  };
}

function pinned(tree: Tree): Tree {
  const image = `q.io/a@sha256:${'0'.repeat(64)}`;
  const set = `apiVersion: machineconfiguration.openshift.io/v1\nkind: PinnedImageSet\nspec: {pinnedImages: [{name: "${image}"}]}\n`;
  return { '/usr/lib/berth/images.d/a.yaml': set, ...tree };
}
