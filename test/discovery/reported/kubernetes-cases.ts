import type { ReportedCase } from './case.ts';

export const kubernetesCases: readonly ReportedCase[] = [
  {
    name: 'the kubelet’s --config',
    source: 'kubernetes/website#25926, #11916',
    tree: {
      '/etc/kube-node/kubelet.yaml':
        'apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nstaticPodPath: /etc/kube-node/pods\n',
      '/etc/kube-node/pods/a.yaml':
        'apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\nspec:\n  containers:\n  - name: c\n    image: registry.k8s.io/a:1\n',
      '/etc/systemd/system/multi-user.target.wants/kubelet.service':
        '-> /usr/lib/systemd/system/kubelet.service',
      '/usr/lib/systemd/system/kubelet.service':
        '[Service]\nExecStart=/usr/bin/kubelet --config=/etc/kube-node/kubelet.yaml\n[Install]\nWantedBy=multi-user.target\n',
    },
    images: ['kubelet.service registry.k8s.io/a:1 boot containerd'],
    problems: [],
  },
  {
    name: 'manifests and release images',
    source: 'openshift/openshift-docs#68592, openshift/microshift#4679',
    tree: {
      '/etc/systemd/system/multi-user.target.wants/microshift.service':
        '-> /usr/lib/systemd/system/microshift.service',
      '/usr/lib/microshift/manifests.d/app/kustomization.yaml':
        'resources: [pod.yaml]\nimages:\n- name: quay.io/acme/a\n  newTag: "2"\n',
      '/usr/lib/microshift/manifests.d/app/pod.yaml':
        'apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\nspec:\n  containers:\n  - name: c\n    image: quay.io/acme/a:1\n',
      '/usr/lib/systemd/system/microshift.service':
        '[Service]\nExecStart=/usr/bin/microshift run\n[Install]\nWantedBy=multi-user.target\n',
      '/usr/share/microshift/release/release-x86_64.json':
        '{"images":{"etcd":"quay.io/openshift/etcd@sha256:0000000000000000000000000000000000000000000000000000000000000001"}}',
    },
    images: [
      'microshift.service quay.io/acme/a:2 boot crio',
      'microshift.service quay.io/openshift/etcd@sha256:0000000000000000000000000000000000000000000000000000000000000001 boot crio',
    ],
    problems: [],
  },
  {
    name: 'static pods of k3s and rke2',
    source: 'k3s-io/k3s#1691; PyratLabs/ansible-role-k3s#118; rancherlabs/support-tools#237',
    tree: {
      '/etc/systemd/system/k3s.service':
        '[Service]\nExecStart=/usr/local/bin/k3s server --pause-image docker.io/rancher/mirrored-pause:3.6\n[Install]\nWantedBy=multi-user.target\n',
      '/etc/systemd/system/multi-user.target.wants/k3s.service': '-> ../k3s.service',
      '/var/lib/rancher/k3s/agent/pod-manifests/a.yaml':
        'apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\nspec:\n  containers:\n  - name: c\n    image: registry.k8s.io/a:1\n',
      '/var/lib/rancher/k3s/server/manifests/b.yaml':
        'apiVersion: v1\nkind: Pod\nmetadata:\n  name: b\nspec:\n  containers:\n  - name: c\n    image: registry.k8s.io/b:1\n',
      '/var/lib/rancher/rke2/agent/pod-manifests/etcd.yaml':
        'apiVersion: v1\nkind: Pod\nmetadata:\n  name: e\nspec:\n  containers:\n  - name: c\n    image: docker.io/rancher/hardened-etcd:v3.5\n',
    },
    images: [
      'k3s.service docker.io/rancher/mirrored-pause:3.6 boot containerd',
      'k3s.service registry.k8s.io/a:1 boot containerd',
      'k3s.service registry.k8s.io/b:1 boot containerd',
      'rke2-server.service docker.io/rancher/hardened-etcd:v3.5 none containerd',
    ],
    problems: ['kube-unread /etc/systemd/system/k3s.service:2'],
  },
];
