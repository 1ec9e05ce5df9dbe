import assert from 'node:assert/strict';
import { test } from 'node:test';
import { k3sImages } from '../../../src/discovery/kubernetes/k3s.ts';
import { microshiftImages } from '../../../src/discovery/kubernetes/microshift.ts';
import type { SourceContext } from '../../../src/discovery/source.ts';
import { foundBy, problemsOf } from '../source.ts';

const pod = (image: string) => `kind: Pod\nspec:\n  containers:\n  - image: ${image}\n`;
const microshift = (context: SourceContext) => microshiftImages(context, () => undefined);
const k3s = (context: SourceContext) => k3sImages(context, () => undefined);

test('MicroShift runs its release and its kustomizations with their images', async (t) => {
  const app = '/etc/microshift/manifests.d/app';
  const found = await foundBy(t, microshift, {
    '/usr/share/microshift/release/release-x86_64.json': '{"images":{"etcd":"q.io/etcd:1"}}',
    '/usr/share/microshift/release/release-aarch64.json': '{"images":{"etcd":"q.io/arm:1"}}',
    [`${app}/kustomization.yaml`]:
      'resources: [a.yaml, ../../base, https://x/y.yaml, lost.yaml]\npatches: [{path: p.yaml}]\nimages: [{name: q.io/a, newName: q.io/b, newTag: "2"}]\n',
    [`${app}/a.yaml`]: pod('q.io/a:1'),
    [`${app}/unlisted.yaml`]: pod('q.io/unlisted:1'),
    '/etc/microshift/base/kustomization.yml': 'resources: [x.yaml]\n',
    '/etc/microshift/base/x.yaml': pod('q.io/ab:1'),
    '/etc/microshift/manifests.d/bare/x.yaml': pod('q.io/bare:1'),
  });
  assert.deepEqual(
    found.references.map(({ image, engine }) => `${image} ${engine}`),
    ['q.io/etcd:1 crio', 'q.io/b:2 crio', 'q.io/ab:1 crio'],
  );
  assert.deepEqual(problemsOf(found), [
    `kube-unread ${app}/kustomization.yaml:1`,
    `cited-file ${app}/kustomization.yaml:1`,
    `kustomization ${app}/kustomization.yaml:2`,
  ]);
});

test('k3s runs static pods, manifests and lists, in a containerd of its own', async (t) => {
  const data = '/var/lib/rancher/k3s';
  const found = await foundBy(t, k3s, {
    [`${data}/agent/pod-manifests/a.yaml`]: pod('q.io/a:1'),
    [`${data}/server/manifests/sub/b.yaml`]: pod('b:1'),
    [`${data}/server/manifests/off.yaml`]: pod('q.io/off:1'),
    [`${data}/server/manifests/off.yaml.skip`]: '',
    [`${data}/server/manifests/chart.yaml`]: 'kind: HelmChart\n',
    [`${data}/agent/images/list.txt`]: 'q.io/listed:1\n\n',
  });
  assert.deepEqual(
    found.references.map(({ image, unit }) => `${image} ${unit}`),
    ['q.io/a:1 k3s.service', 'docker.io/library/b:1 k3s.service', 'q.io/listed:1 k3s.service'],
  );
  assert.deepEqual(
    problemsOf(found).map((one) => one.split(' ')[0]),
    ['engine-unknown', 'engine-unknown', 'engine-unknown', 'kube-unread'],
  );
});
