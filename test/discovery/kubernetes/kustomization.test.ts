import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClusterFiles } from '../../../src/discovery/kubernetes/cluster-files.ts';
import { changedImage } from '../../../src/discovery/kubernetes/kustomize/image-changes.ts';
import { kustomizedImages } from '../../../src/discovery/kubernetes/kustomize/kustomization.ts';
import { Work } from '../../../src/discovery/kubernetes/kustomize/work.ts';
import { limitCpu } from '../../support/limit-cpu.ts';
import { rootOf, type Tree } from '../../support/tree.ts';
import { contextOf } from '../source.ts';

const objects = `apiVersion: apps/v1
kind: Deployment
metadata: {name: d}
spec:
  template:
    spec:
      containers: [{name: c, image: "q.io/c:1"}]
      volumes: [{name: v, image: {reference: "q.io/v:1"}}]
`;

async function of(t: Parameters<typeof rootOf>[0], kustomization: string, tree: Tree = {}) {
  const root = rootOf(t, {
    '/k/kustomization.yaml': kustomization,
    '/k/x.yaml': objects,
    ...tree,
  });
  const files = new ClusterFiles(contextOf(root), 'x.service', { engine: 'containerd' });
  await kustomizedImages('/k', files, new Work());
  return {
    images: files.references.map(({ raw, line }) => `${raw} ${line}`),
    problems: files.problems.map(({ code, path, line }) => `${code} ${path}:${line ?? ''}`),
  };
}

const plain = ['q.io/c:1 7', 'q.io/v:1 8'];
const start = 'resources: [x.yaml]\n';
const merge = (pod: string) =>
  `apiVersion: apps/v1\n    kind: Deployment\n    metadata: {name: d}\n    spec: {template: {spec: ${pod}}}\n`;
const patch = (text: string, more = '') => `${start}patches:\n- patch: |\n    ${text}${more}`;
const target = '  target: {kind: Deployment}\n';
const operation = (text: string) => patch(`- ${text}\n`, target);

test('patches that change images are applied', async (t) => {
  const cases: readonly (readonly [string, readonly string[], (readonly string[])?])[] = [
    [start, plain],
    [patch(merge('{containers: [{name: c, image: "q.io/n:2"}]}')), ['q.io/n:2 7', 'q.io/v:1 8']],
    [
      patch(merge('{volumes: [{name: v, image: {reference: "q.io/w:1"}}]}')),
      ['q.io/c:1 7', 'q.io/w:1 8'],
    ],
    [
      operation('{op: replace, path: /spec/template/spec/containers/0/image, value: "q.io/j:1"}'),
      ['q.io/j:1 7', 'q.io/v:1 8'],
    ],
    // An object keeps its kind.
    [
      patch(
        merge('{containers: [{name: c, image: "q.io/n:2"}]}').replace('Deployment', 'Other'),
        target,
      ),
      ['q.io/n:2 7', 'q.io/v:1 8'],
    ],
    // Without a target the object has to be there.
    [
      patch(merge('{}').replace('name: d', 'name: other')),
      plain,
      ['kustomization /k/kustomization.yaml:3'],
    ],
    [operation('{op: remove, path: /spec/lost}'), plain, ['kustomization /k/kustomization.yaml:3']],
    // Only one that could change an image matters where berth does not understand a patch.
    [
      patch(merge('{containers: [{name: c, image: x}]}'), '  target: {labelSelector: a=b}\n'),
      plain,
      ['kustomization /k/kustomization.yaml:3'],
    ],
    [
      patch('- {op: add, path: /spec/paused, value: true}\n', '  target: {labelSelector: a=b}\n'),
      plain,
    ],
    [
      patch('- {op: add, path: /spec/paused, value: true}\n', '  target: {name: "(a|b)+"}\n'),
      plain,
    ],
    [
      patch(merge('{$setElementOrder/containers: [{name: c}]}')),
      plain,
      ['kustomization /k/kustomization.yaml:3'],
    ],
    [`${start}patches: [{path: lost.yaml}]\n`, plain, ['cited-file /k/kustomization.yaml:2']],
    [`${start}patches: [{path: ../x.yaml}]\n`, plain, ['cited-file /k/kustomization.yaml:2']],
  ];
  for (const [text, images, problems = []] of cases) {
    assert.deepEqual(await of(t, text, { '/x.yaml': objects }), { images, problems }, text);
  }
});

test('keys that are not read are problems where they may change images', async (t) => {
  const replacement = (path: string) =>
    `${start}replacements: [{source: {kind: A}, targets: [{select: {kind: B}, fieldPaths: [${path}]}]}]\n`;
  const cases: readonly (readonly [string, readonly string[]])[] = [
    [`${start}replicas: [{name: d, count: 3}]\ncommonLabels: {a: b}\n`, []],
    [`${start}helmCharts: [{name: x}]\n`, ['kustomization /k/kustomization.yaml:2']],
    [`${start}transformers: [x.yaml]\n`, ['kustomization /k/kustomization.yaml:2']],
    [`${start}helmChart: [{name: x}]\n`, ['kustomization /k/kustomization.yaml:2']],
    [replacement('metadata.name, spec.template.spec.containers.0.args.1'), []],
    [replacement('spec.replicas, "spec.template.spec.containers.[name=c].env"'), []],
    [
      replacement('spec.template.spec.containers.*.image'),
      ['kustomization /k/kustomization.yaml:2'],
    ],
    [
      replacement('"spec.template.spec.containers.[name=a.b]"'),
      ['kustomization /k/kustomization.yaml:2'],
    ],
    [`${start}replacements: [{path: r.yaml}]\n`, ['kustomization /k/kustomization.yaml:2']],
  ];
  for (const [text, problems] of cases) {
    assert.deepEqual(await of(t, text), { images: plain, problems }, text);
  }
});

test('what kustomize refuses is a problem, and the images are still named', async (t) => {
  const twice = await of(t, 'resources: [x.yaml, y.yaml]\n', { '/k/y.yaml': objects });
  assert.deepEqual(twice.problems, ['kustomization /k/kustomization.yaml:']);
  assert.deepEqual(twice.images, [...plain, ...plain]);
  const outside = await of(t, 'resources: [../x.yaml]\n', { '/x.yaml': objects });
  assert.deepEqual(outside, { images: plain, problems: ['kustomization /k/kustomization.yaml:1'] });
});

test('images: changes containers; whether it changes a volume depends on the version', async (t) => {
  const change = (name: string) => `${start}images: [{name: ${name}, newTag: "2"}]\n`;
  assert.deepEqual(await of(t, change('q.io/c')), {
    images: ['q.io/c:2 7', 'q.io/v:1 8'],
    problems: [],
  });
  assert.deepEqual((await of(t, change('q.io/v'))).problems, ['kustomization /k/x.yaml:8']);
  assert.deepEqual((await of(t, change('"q.*"'))).problems, [
    'kustomization /k/kustomization.yaml:2',
  ]);
});

test('an entry of images changes the name, the tag and the digest', () => {
  const none = { newName: '', newTag: '', digest: '', tagSuffix: '' };
  const cases: readonly (readonly [string, string, Partial<typeof none>, string])[] = [
    ['q.io/a:1', 'q.io/a', { newTag: '2' }, 'q.io/a:2'],
    ['q.io/ab:1', 'q.io/a', { newTag: '2' }, 'q.io/ab:1'],
    ['q.io/a:1@sha256:00', 'q.io/a', { newTag: '2' }, 'q.io/a:2'],
    ['q.io/a:1', 'q.io/a', { digest: 'sha256:01' }, 'q.io/a@sha256:01'],
    ['q.io/a:1', 'q.io/a', { newTag: '2', digest: 'sha256:01' }, 'q.io/a:2@sha256:01'],
    ['q.io/a:1@sha256:00', 'q.io/a', { newName: 'b' }, 'b:1@sha256:00'],
    ['q.io/a:1', 'q.io/a', { tagSuffix: '-x' }, 'q.io/a:1-x'],
    ['q.io:5/a', 'q.io:5/a', { newTag: '2' }, 'q.io:5/a:2'],
    ['q.io/a:1', 'q.io/a:1', { newTag: '2' }, 'q.io/a:2'],
    ['qxio/a:1', 'q.io/a', { newTag: '2' }, 'qxio/a:2'],
    ['q.io/a:1', 'q.io/a', {}, 'q.io/a:1'],
  ];
  for (const [image, name, change, expected] of cases) {
    assert.equal(changedImage(image, { ...none, name, ...change }), expected, image);
  }
});

test('a component changes the objects of the kustomization that includes it', async (t) => {
  const found = await of(t, `${start}components: [../c]\n`, {
    '/c/kustomization.yaml': 'kind: Component\nimages: [{name: q.io/c, newTag: "9"}]\n',
  });
  assert.deepEqual(found, { images: ['q.io/c:9 7', 'q.io/v:1 8'], problems: [] });
});

test('kustomizations that include each other are read within limits', async (t) => {
  limitCpu(t, 10);
  const circle = await of(t, `resources: [${'../k,'.repeat(1_000)}]\n`);
  assert.deepEqual(new Set(circle.problems), new Set(['kustomization /k/kustomization.yaml:1']));
  // Each level includes the next one ten times.
  const levels = Array.from({ length: 15 }, (_, level) => [
    `/l${level}/kustomization.yaml`,
    `resources: [${`../l${level + 1}, `.repeat(10)}]\n`,
  ]);
  const found = await of(t, 'resources: [../l0]\n', {
    ...Object.fromEntries(levels),
    '/l15/kustomization.yaml': '',
  });
  assert.ok(found.problems.some((problem) => problem.startsWith('too-large')));
});

test('many patches of many objects are applied within limits', async (t) => {
  limitCpu(t, 30);
  const operations = Array.from(
    { length: 900 },
    () => '- {op: add, path: /spec/a, value: 1}\n    ',
  );
  const patches = Array.from(
    { length: 3 },
    () => `- patch: |\n    ${operations.join('')}\n  target: {}\n`,
  );
  const many = Array.from(
    { length: 2_000 },
    (_, at) => `kind: X\nmetadata: {name: x${at}}\nspec: {}\n`,
  );
  const found = await of(t, `resources: [many.yaml]\npatches:\n${patches.join('')}`, {
    '/k/many.yaml': many.join('---\n'),
  });
  assert.ok(found.problems.some((problem) => problem.startsWith('kustomization')));
});
