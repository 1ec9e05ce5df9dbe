import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide, policyOf } from '../../src/binding/bind.ts';
import { container, discovered, problems, units } from '../support/tree.ts';

const own = '/usr/lib/berth/bound.d';
const bootc = '/usr/lib/bootc/bound-images.d';

test('links in both directories are found with the real paths of their targets', async (t) => {
  const found = await discovered(t, {
    [`${units}/a.container`]: container('q.io/a'),
    [`${units}/b.container`]: '-> /opt/b.container',
    '/opt/b.container': container('q.io/b'),
    [`${units}/v.volume`]: '[Volume]\nDriver=image\nImage=q.io/v\n',
    [`${own}/any-name`]: '-> ../../../share/containers/systemd/a.container',
    [`${own}/v`]: `-> ${units}/v.volume`,
    [`${bootc}/b.container`]: `-> ${units}/b.container`,
  });
  assert.deepEqual(problems(found), []);
  assert.deepEqual(found.links, [
    { path: `${own}/any-name`, target: `${units}/a.container` },
    { path: `${own}/v`, target: `${units}/v.volume` },
    { path: `${bootc}/b.container`, target: '/opt/b.container' },
  ]);
});

test('a file, a dangling link, a loop and a link to a directory are problems that bind', async (t) => {
  const found = await discovered(t, {
    [`${own}/file`]: 'x',
    [`${own}/gone`]: `-> ${units}/gone.container`,
    [`${own}/loop`]: '-> loop',
    [`${own}/directory`]: '-> ../../berth',
    [`${own}/outside`]: '-> ../../../../../../../../etc/passwd',
  });
  assert.deepEqual(found.links, []);
  assert.deepEqual(problems(found), [
    `bound-link ${own}/directory`,
    `bound-link ${own}/file`,
    `bound-link ${own}/gone`,
    `too-many-links ${own}/loop`,
    `bound-link ${own}/outside`,
  ]);
  for (const { subject } of found.problems) assert.equal(subject?.bind, true);
});

test('bootc takes only images and containers', async (t) => {
  const found = await discovered(t, {
    [`${units}/v.volume`]: '[Volume]\nDriver=image\nImage=q.io/v\n',
    [`${bootc}/v.volume`]: `-> ${units}/v.volume`,
  });
  assert.deepEqual(problems(found), [`bootc-refuses ${bootc}/v.volume`]);
  assert.equal(found.problems[0]?.subject?.unitPath, `${units}/v.volume`);
});

test('a target that Quadlet does not read is a problem that binds', async (t) => {
  const found = await discovered(t, {
    '/usr/lib/elsewhere/a.container': container('q.io/a'),
    '/etc/containers/systemd/b.container': container('q.io/new'),
    [`${units}/b.container`]: container('q.io/old'),
    [`${own}/a`]: '-> /usr/lib/elsewhere/a.container',
    [`${own}/b`]: `-> ${units}/b.container`,
  });
  assert.deepEqual(problems(found), [`bound-link ${own}/a`, `bound-link ${own}/b`]);
  assert.deepEqual(found.problems[0]?.subject, {
    unitPath: '/usr/lib/elsewhere/a.container',
    unit: 'a.container',
    bind: true,
  });
  assert.match(found.problems[1]?.message ?? '', /\/etc\/containers\/systemd\/b\.container/);
});

test('a link to a masked unit is not a problem', async (t) => {
  const found = await discovered(t, {
    '/etc/containers/systemd/a.container': '-> /dev/null',
    [`${units}/a.container`]: container('q.io/a'),
    [`${bootc}/a.container`]: `-> ${units}/a.container`,
  });
  assert.deepEqual(problems(found), []);
});

test('in a tree that was never booted, links may say /etc', async (t) => {
  const found = await discovered(t, {
    '/usr/etc/containers/systemd/a.container': container('q.io/a'),
    [`${own}/a`]: '-> /etc/containers/systemd/a.container',
  });
  assert.deepEqual(problems(found), []);
  assert.deepEqual(found.links, [
    { path: `${own}/a`, target: '/usr/etc/containers/systemd/a.container' },
  ]);
});

test('a file in place of a link directory is a problem that binds', async (t) => {
  const found = await discovered(t, { [own]: 'a file' });
  assert.deepEqual(problems(found), [`not-a-directory ${own}`]);
  assert.equal(found.problems[0]?.subject?.bind, true);
});

test('a link binds a unit of any kind, and a pod together with its containers', async (t) => {
  const system = '/usr/lib/systemd/system';
  const manifest = '/etc/kubernetes/manifests/etcd.yaml';
  const found = await discovered(t, {
    [`${units}/p.pod`]: '[Pod]\nPodName=p\n',
    [`${units}/in.container`]: `${container('q.io/in')}Pod=p.pod\n`,
    [`${units}/out.container`]: container('q.io/out'),
    [`${system}/plain.service`]: '[Service]\nExecStart=/usr/bin/podman run q.io/plain\n',
    [`${system}/other.service`]: '[Service]\nExecStart=/usr/bin/true\n',
    [manifest]: 'kind: Pod\nspec: {containers: [{name: c, image: "q.io/etcd:1"}]}\n',
    [`${own}/p.pod`]: `-> ${units}/p.pod`,
    [`${own}/plain.service`]: `-> ${system}/plain.service`,
    [`${own}/other.service`]: `-> ${system}/other.service`,
    [`${own}/etcd.yaml`]: `-> ${manifest}`,
  });
  const policy = policyOf(found.policy, found.links, undefined);
  const bound = found.references.filter((reference) => decide(reference, policy).bound);
  assert.deepEqual(
    bound.map(({ image }) => image),
    ['q.io/etcd:1', 'q.io/plain:latest', 'q.io/in:latest'],
  );
  assert.deepEqual(problems(found), [`bound-link ${own}/other.service`]);
});

test('a file that bootc refuses is reported, since it breaks upgrades', async (t) => {
  const found = await discovered(t, {
    [`${units}/auth.image`]: '[Image]\nImage=q.io/auth\nPolicy=missing\nAuthFile=/etc/a.json\n',
    [`${units}/spec.container`]: container('q.io/spec:%a'),
    [`${units}/none.container`]: '[Container]\nRootfs=/srv\n',
    [`${units}/fine.container`]: container('q.io/fine:50%%'),
    '/usr/lib/elsewhere/loose.container': container('q.io/loose'),
    [`${bootc}/auth.image`]: `-> ${units}/auth.image`,
    [`${bootc}/spec.container`]: `-> ${units}/spec.container`,
    [`${bootc}/none.container`]: `-> ${units}/none.container`,
    [`${bootc}/loose.container`]: '-> /usr/lib/elsewhere/loose.container',
    [`${bootc}/file.container`]: container('q.io/file'),
    [`${bootc}/dangling.container`]: '-> /nowhere',
  });
  assert.deepEqual(
    problems(found).filter((problem) => problem.startsWith('bootc-refuses')),
    [
      `bootc-refuses ${bootc}/dangling.container`,
      `bootc-refuses ${bootc}/file.container`,
      `bootc-refuses ${bootc}/none.container`,
      `bootc-refuses ${units}/auth.image:4`,
      `bootc-refuses ${units}/spec.container:2`,
    ],
  );
  const loose = found.references.find(({ unitPath }) => unitPath.includes('loose'));
  assert.equal(
    loose?.image,
    'q.io/loose:latest',
    'bootc pulls it, whether a unit comes of it or not',
  );
});
