import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { microshiftImages } from '../../../src/discovery/kubernetes/microshift/microshift.ts';
import type { SourceContext } from '../../../src/discovery/source.ts';
import type { Tree } from '../../support/tree.ts';
import { foundBy, problemsOf } from '../source.ts';

const pod = (image: string) =>
  `kind: Pod\nmetadata: {name: ${image.replace(/\W/g, '-')}}\nspec:\n  containers:\n  - image: ${image}\n`;
const microshift = (context: SourceContext) => microshiftImages(context, () => undefined);

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
    `cited-file ${app}/kustomization.yaml:2`,
  ]);
});

const release = '/usr/share/microshift/release/release-x86_64.json';
const config = '/etc/microshift/config.yaml';
const apps = {
  '/etc/microshift/manifests.d/usual/kustomization.yaml': 'resources: [a.yaml]\n',
  '/etc/microshift/manifests.d/usual/a.yaml': pod('q.io/usual:1'),
  '/opt/x/kustomization.yaml': 'resources: [a.yaml]\n',
  '/opt/x/a.yaml': pod('q.io/x:1'),
  '/opt/y/.d/kustomization.yaml': 'resources: [a.yaml]\n',
  '/opt/y/.d/a.yaml': pod('q.io/y:1'),
};

async function imagesWith(t: TestContext, tree: Tree): Promise<readonly (string | undefined)[]> {
  const found = await foundBy(t, microshift, { [release]: '{"images":{}}', ...apps, ...tree });
  assert.deepEqual(problemsOf(found), []);
  return found.references.map(({ image }) => image);
}

test('the configuration names the directories of kustomizations', async (t) => {
  const cases: readonly (readonly [Tree, readonly string[]])[] = [
    [{ [config]: 'manifests:\n' }, ['q.io/usual:1']],
    [{ [config]: 'manifests: {kustomizePaths: }\n' }, ['q.io/usual:1']],
    [{ [config]: 'manifests: {kustomizePaths: []}\n' }, []],
    [
      { [config]: 'manifests: {kustomizePaths: [/opt/x, "/opt/[yz]/*"]}\n' },
      ['q.io/x:1', 'q.io/y:1'],
    ],
    [
      {
        [config]: 'manifests: {kustomizePaths: [/opt/x]}\n',
        '/etc/microshift/config.d/20.yaml': 'manifests: {kustomizePaths: [/opt/y/*]}\n',
        '/etc/microshift/config.d/10.yaml': 'manifests: {kustomizePaths: []}\n',
        '/etc/microshift/config.d/30.yml': 'manifests: {kustomizePaths: []}\n',
      },
      ['q.io/y:1'],
    ],
    [
      {
        [config]: 'manifests: {kustomizePaths: []}\n',
        '/etc/microshift/config.d/10.yaml': 'manifests: null\n',
      },
      ['q.io/usual:1'],
    ],
    [
      {
        [config]: 'manifests: {kustomizePaths: []}\nkubelet: {staticPodPath: /etc/pods}\n',
        '/etc/pods/p.yaml': pod('q.io/p:1'),
      },
      ['q.io/p:1'],
    ],
  ];
  for (const [tree, images] of cases) {
    assert.deepEqual(await imagesWith(t, tree), images, JSON.stringify(tree));
  }
});

test('images of components that are switched off are left away', async (t) => {
  const keys = ['coredns', 'haproxy-router', 'topolvm_csi', 'csi-snapshot-controller'];
  const images = keys.map((key) => `"${key}":"q.io/${key}:1"`);
  const tree = { [release]: `{"images":{${images.join(',')}}}` };
  const off = 'manifests: {kustomizePaths: []}\n';
  const keysWith = async (text: string) =>
    (await imagesWith(t, { ...tree, [config]: off + text })).map((image) => image?.slice(5, -2));
  assert.deepEqual(await keysWith(''), keys);
  assert.deepEqual(await keysWith('ingress: {status: Removed}\n'), [
    'coredns',
    'topolvm_csi',
    'csi-snapshot-controller',
  ]);
  assert.deepEqual(await keysWith('storage: {driver: none, optionalCsiComponents: [none]}\n'), [
    'coredns',
    'haproxy-router',
  ]);
});
