import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Allowance } from '../../../src/discovery/allowance.ts';
import { staticPods } from '../../../src/discovery/kubernetes/static-pods.ts';
import type { SourceContext } from '../../../src/discovery/source.ts';
import type { Root } from '../../../src/root/root.ts';
import { shortNames, type Tree } from '../../support/tree.ts';
import { foundBy, places, problemsOf } from '../source.ts';

const pods = (context: SourceContext) => staticPods(context, () => undefined);

const manifests = '/etc/kubernetes/manifests';
const pod = (image: string) => `kind: Pod\nspec:\n  containers:\n  - image: ${image}\n`;
const config = (path: string) => `kind: KubeletConfiguration\nstaticPodPath: ${path}\n`;
const at = (path: string, image: string) => `${path}:4 spec.containers[0].image ${image} missing`;

test('every manifest in the directory is read, but no hidden files and no subdirectories', async (t) => {
  const found = await foundBy(t, pods, {
    [`${manifests}/etcd.yaml`]: pod('q.io/etcd:3'),
    [`${manifests}/backup~`]: pod('q.io/old:1'),
    [`${manifests}/.hidden.yaml`]: pod('q.io/hidden:1'),
    [`${manifests}/more/a.yaml`]: pod('q.io/more:1'),
    [`${manifests}/link.yaml`]: '-> /usr/share/pods/a.yaml',
    [`${manifests}/lost.yaml`]: '-> nowhere',
    '/usr/share/pods/a.yaml': pod('q.io/linked:1'),
  });
  assert.deepEqual(places(found), [
    at(`${manifests}/backup~`, 'q.io/old:1'),
    at(`${manifests}/etcd.yaml`, 'q.io/etcd:3'),
    at(`${manifests}/link.yaml`, 'q.io/linked:1'),
  ]);
  assert.deepEqual(problemsOf(found), [`dangling-link ${manifests}/lost.yaml`]);
  const [, etcd, linked] = found.references;
  assert.deepEqual(
    [etcd?.kind, etcd?.unit, etcd?.unitPath, etcd?.unitRealPath, etcd?.bind],
    ['kubernetes', 'kubelet.service', `${manifests}/etcd.yaml`, undefined, undefined],
  );
  assert.equal(linked?.unitRealPath, '/usr/share/pods/a.yaml');
});

test('an image pulled at every start, an invalid name and other kinds are problems', async (t) => {
  const found = await foundBy(t, pods, {
    [`${manifests}/a.yaml`]: pod('q.io/a'),
    [`${manifests}/b.yaml`]: pod('Q'),
    [`${manifests}/c.yaml`]: 'kind: Service\n',
    [`${manifests}/d.yaml`]: '[',
  });
  assert.deepEqual(problemsOf(found), [
    `pull-always ${manifests}/a.yaml:4`,
    `image-name ${manifests}/b.yaml:4`,
    `pull-always ${manifests}/b.yaml:4`,
    `kube-kind ${manifests}/c.yaml:1`,
    `yaml ${manifests}/d.yaml:1`,
  ]);
  const all = [...found.references.flatMap(({ problems }) => problems), ...found.problems];
  for (const { subject, path } of all) {
    assert.deepEqual(subject, { unitPath: path, unit: 'kubelet.service' });
  }
});

test("the kubelet's configuration says where the manifests are, and its drop-ins override it", async (t) => {
  const one = {
    '/a/x.yaml': pod('q.io/a:1'),
    '/b/x.yaml': pod('q.io/b:1'),
    '/etc/kubernetes/c/x.yaml': pod('q.io/c:1'),
    [`${manifests}/x.yaml`]: pod('q.io/d:1'),
  };
  const where = async (tree: Readonly<Record<string, string>>) =>
    (await foundBy(t, pods, { ...one, ...tree })).references.map(({ path }) => path);
  assert.deepEqual(await where({}), [`${manifests}/x.yaml`]);
  assert.deepEqual(await where({ '/var/lib/kubelet/config.yaml': config('/a') }), ['/a/x.yaml']);
  assert.deepEqual(await where({ '/etc/kubernetes/kubelet.conf': 'kind: Config\n' }), [
    `${manifests}/x.yaml`,
  ]);
  assert.deepEqual(
    await where({
      '/etc/kubernetes/kubelet.conf': config('/a/'),
      '/etc/kubernetes/kubelet.conf.d/10-a.conf': config('/b'),
      '/etc/kubernetes/kubelet.conf.d/20-b.conf': 'kind: KubeletConfiguration\n',
      '/etc/kubernetes/kubelet.conf.d/30.yaml': config('/etc'),
    }),
    ['/b/x.yaml'],
  );
  assert.deepEqual(await where({ '/etc/kubernetes/kubelet-config.yaml': config('c') }), [
    '/etc/kubernetes/c/x.yaml',
  ]);
  assert.deepEqual(await where({ '/etc/kubernetes/kubelet.conf': config('/a/x.yaml') }), [
    '/a/x.yaml',
  ]);
});

test('an unreadable configuration is a problem, and the manifests are read all the same', async (t) => {
  const found = await foundBy(t, pods, {
    '/etc/kubernetes/kubelet.conf': 'kind: [',
    '/etc/kubernetes/kubelet-config.yaml/x': '',
    [`${manifests}/x.yaml`]: pod('q.io/d:1'),
  });
  assert.equal(found.references.length, 1);
  assert.deepEqual(problemsOf(found), [
    'yaml /etc/kubernetes/kubelet.conf:1',
    'not-a-file /etc/kubernetes/kubelet-config.yaml',
  ]);
});

test('in a tree that was never booted, the manifests are in /usr/etc', async (t) => {
  const found = await foundBy(t, pods, {
    '/usr/etc/kubernetes/kubelet.conf': config('/etc/kubernetes/pods'),
    '/usr/etc/kubernetes/pods/a.yaml': pod('q.io/a:1'),
  });
  assert.deepEqual(places(found), [at('/usr/etc/kubernetes/pods/a.yaml', 'q.io/a:1')]);
});

test('a name without a registry means what it means to the engine', async (t) => {
  const tree = { [`${manifests}/a.yaml`]: pod('a:1') };
  const searching = { searchRegistries: ['q.io'], aliases: {} };
  const imageOn = async (engine: Tree) => {
    const source = (context: SourceContext) => pods({ ...context, shortNames: searching });
    return (await foundBy(t, source, { ...tree, ...engine })).references[0]?.image;
  };
  assert.equal(await imageOn({ '/etc/crio/crio.conf': '' }), 'q.io/a:1');
  assert.equal(await imageOn({ '/etc/containerd/config.toml': '' }), 'docker.io/library/a:1');
});

test('the size of all manifests together is limited', async (t) => {
  const large = `${pod('q.io/a:1')}#${' '.repeat(1_000_000)}`;
  const names = Array.from('abcdefghij', (name) => `${manifests}/${name}`);
  const found = await foundBy(t, pods, Object.fromEntries(names.map((name) => [name, large])));
  assert.equal(found.references.length, 8);
  assert.deepEqual(problemsOf(found), [`too-large ${manifests}/i`]);
});

test('a root without a kubelet costs two lookups', async () => {
  const asked: string[] = [];
  const refuse = (): never => assert.fail('expected no reads');
  const root: Root = {
    location: '/',
    as: refuse,
    lookup: (path) => {
      asked.push(path);
      return undefined;
    },
    list: refuse,
    readFile: refuse,
    readStart: refuse,
    openFile: refuse,
    readLink: refuse,
    close: () => undefined,
  };
  const accounts = { byUid: new Map(), byName: new Map(), problems: [] };
  const found = await staticPods(
    {
      root,
      etc: '/etc',
      shortNames,
      architecture: 'x86-64',
      allowance: new Allowance(),
      accounts,
      podman: {},
    },
    () => undefined,
  );
  assert.deepEqual(found, { references: [], problems: [] });
  assert.deepEqual(asked, ['/etc/kubernetes', '/var/lib/kubelet']);
});
