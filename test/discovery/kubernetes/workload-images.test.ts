import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Player } from '../../../src/discovery/kubernetes/pull-policy.ts';
import { workloadImages } from '../../../src/discovery/kubernetes/workload-images.ts';
import { limitCpu } from '../../support/limit-cpu.ts';
import { holds } from '../../support/property.ts';

/** The images as `line key image policy` and the faults as `code:line`. */
async function read(text: string, player: Player = 'podman') {
  const { images, faults } = await workloadImages(text, { player });
  return {
    images: images.map(({ line, key, raw, policy }) => `${line} ${key} ${raw} ${policy}`),
    faults: faults.map(({ code, line }) => `${code}:${line}`),
  };
}

const pod = (image: string) => `kind: Pod\nspec: {containers: [{image: ${image}}]}\n`;

test('every place of a pod that names an image is read, with its line and its path', async () => {
  const found = await read(`apiVersion: v1
kind: Pod
metadata:
  name: a
spec:
  initContainers:
    - image: q.io/init:1
  containers:
    - name: a
      image: "q.io/a:1"
      imagePullPolicy: Always
    - name: b
      imagePullPolicy: Never
      image: >-
        q.io/b:1
  ephemeralContainers:
    - image: q.io/debug:1
  volumes:
    - name: v
      image:
        reference: q.io/v:1
        pullPolicy: IfNotPresent
    - name: e
      emptyDir: {}
`);
  assert.deepEqual(found, {
    images: [
      '7 spec.initContainers[0].image q.io/init:1 missing',
      '10 spec.containers[0].image q.io/a:1 always',
      '14 spec.containers[1].image q.io/b:1 never',
      '17 spec.ephemeralContainers[0].image q.io/debug:1 missing',
      '21 spec.volumes[0].image.reference q.io/v:1 missing',
    ],
    faults: [],
  });
});

test('the pod of each kind is read, in several documents, in lists and in JSON', async () => {
  const template = (kind: string, image: string) =>
    `kind: ${kind}\nspec: {template: {spec: {containers: [{image: ${image}}]}}}\n`;
  const text = [
    template('Deployment', 'q.io/a:1'),
    template('DaemonSet', 'q.io/b:1'),
    template('Job', 'q.io/c:1'),
    'kind: ConfigMap\ndata: {image: q.io/none}\n',
    '',
    `kind: List\nitems:\n- ${pod('q.io/d:1').replace('\n', '\n  ')}- kind: Service\n`,
    '{"kind": "Pod", "spec": {"containers": [{"image": "q.io/e:1"}]}}',
  ].join('---\n');
  assert.deepEqual(await read(text), {
    images: [
      '2 spec.template.spec.containers[0].image q.io/a:1 missing',
      '5 spec.template.spec.containers[0].image q.io/b:1 missing',
      '8 spec.template.spec.containers[0].image q.io/c:1 missing',
      '17 items[0].spec.containers[0].image q.io/d:1 missing',
      '20 spec.containers[0].image q.io/e:1 missing',
    ],
    faults: [],
  });
});

test('kinds that the player does not run are reported, and their images found all the same', async () => {
  for (const kind of ['StatefulSet', 'ReplicaSet', 'ReplicationController']) {
    const text = `kind: ${kind}\nspec: {template: {spec: {containers: [{image: q.io/a:1}]}}}\n`;
    const found = await read(text);
    assert.equal(found.images.length, 1, kind);
    assert.deepEqual(found.faults, ['kube-kind:1'], kind);
  }
  const cron =
    'kind: CronJob\nspec: {jobTemplate: {spec: {template: {spec: {containers: [{image: q.io/a:1}]}}}}}\n';
  assert.deepEqual((await read(cron)).images, [
    '2 spec.jobTemplate.spec.template.spec.containers[0].image q.io/a:1 missing',
  ]);
  const template = 'kind: PodTemplate\ntemplate: {spec: {containers: [{image: q.io/a:1}]}}\n';
  assert.deepEqual((await read(template)).images, [
    '2 template.spec.containers[0].image q.io/a:1 missing',
  ]);
  const deployment =
    'kind: Deployment\nspec: {template: {spec: {containers: [{image: q.io/a:1}]}}}';
  assert.deepEqual((await read(deployment, 'kubelet')).faults, ['kube-kind:1']);
  assert.deepEqual((await read(`${pod('q.io/a:1')}---\n${pod('q.io/b:1')}`, 'kubelet')).faults, [
    'kube-kind:4',
  ]);
});

test('the default pull policy is that of the player', async () => {
  const digest = `sha256:${'a'.repeat(64)}`;
  const cases: readonly (readonly [string, string, string])[] = [
    ['q.io/a', 'newer', 'always'],
    ['q.io/a:latest', 'newer', 'always'],
    ['q.io:5000/a:1', 'missing', 'missing'],
    ['q.io:5000/a', 'newer', 'always'],
    [`q.io/a@${digest}`, 'newer', 'missing'],
    [`q.io/a:1@${digest}`, 'missing', 'missing'],
    [`q.io/a:latest@${digest}`, 'newer', 'always'],
    ['nginx', 'missing', 'always'],
    ['docker.io/nginx', 'missing', 'always'],
    ['docker.io/library/nginx', 'newer', 'always'],
  ];
  for (const [image, podman, kubelet] of cases) {
    const policy = async (player: Player) =>
      (await workloadImages(pod(image), { player })).images[0]?.policy;
    assert.equal(await policy('podman'), podman, image);
    assert.equal(await policy('kubelet'), kubelet, image);
  }
});

test('podman accepts policies in any case and its own ones, the kubelet only those of Kubernetes', async () => {
  const text = (policy: string) =>
    `kind: Pod\nspec:\n  containers:\n  - image: q.io/a:1\n    imagePullPolicy: ${policy}\n`;
  const at = '4 spec.containers[0].image q.io/a:1';
  assert.deepEqual(await read(text('ALWAYS')), { images: [`${at} always`], faults: [] });
  assert.deepEqual(await read(text('newer')), { images: [`${at} newer`], faults: [] });
  for (const policy of ['always', 'newer', '[]', 'x']) {
    const found = await read(text(policy), 'kubelet');
    assert.deepEqual(found, { images: [`${at} missing`], faults: ['kube-manifest:4'] }, policy);
  }
  assert.deepEqual(await read(text('null'), 'kubelet'), { images: [`${at} missing`], faults: [] });
});

test("podman's annotations name images that it looks up and never pulls", async () => {
  const text = `kind: PersistentVolumeClaim
metadata:
  annotations:
    volume.podman.io/image: q.io/v:1
---
kind: Deployment
metadata:
  annotations:
    io.podman.annotations.kube.image.automount/a: q.io/m:1;q.io/n:1
    io.podman.annotations.kube.image.automount/other: q.io/o:1
spec:
  template:
    spec:
      containers:
      - name: a
        image: q.io/a:1
`;
  const automount = 'metadata.annotations["io.podman.annotations.kube.image.automount/a"]';
  assert.deepEqual(await read(text), {
    images: [
      '4 metadata.annotations["volume.podman.io/image"] q.io/v:1 never',
      '16 spec.template.spec.containers[0].image q.io/a:1 missing',
      `9 ${automount} q.io/m:1 never`,
      `9 ${automount} q.io/n:1 never`,
    ],
    faults: [],
  });
  assert.equal((await read(text, 'kubelet')).images.length, 1);
});

test('malformed values are reported with their lines and hide nothing else', async () => {
  const text = `kind: Pod
spec:
  containers:
  - image: 1
  - name: none
  - text
  - image: q.io/a:1
  - image: null
  volumes: {}
---
kind: [
---
kind: Pod
kind: Pod
---
kind: Pod
spec: *none
---
- a list
---
spec: {}
---
kind: Pod
spec: {containers: [{image: q.io/b:1}]}
`;
  const found = await read(text);
  assert.deepEqual(found.images, [
    '7 spec.containers[3].image q.io/a:1 missing',
    '24 spec.containers[0].image q.io/b:1 missing',
  ]);
  assert.deepEqual(found.faults.toSorted(), [
    'kube-manifest:19',
    'kube-manifest:21',
    'kube-manifest:4',
    'kube-manifest:5',
    'kube-manifest:6',
    'kube-manifest:8',
    'kube-manifest:9',
    'yaml:12',
    'yaml:14',
    'yaml:17',
  ]);
});

test('aliases and merges are followed, and the last anchor of a name counts', async () => {
  const found = await read(`kind: Pod
x: &c {image: q.io/a:1, imagePullPolicy: Always}
spec:
  initContainers: &list
  - *c
  - {<<: *c, image: q.io/b:1}
  containers: *list
  ephemeralContainers: [&c {image: q.io/c:1}, *c]
`);
  assert.deepEqual(
    found.images.map((image) => image.split(' ').slice(2).join(' ')),
    [
      'q.io/a:1 always',
      'q.io/b:1 always',
      'q.io/a:1 always',
      'q.io/b:1 always',
      'q.io/c:1 missing',
      'q.io/c:1 missing',
    ],
  );
  assert.deepEqual(found.faults, []);
});

/** Hostile documents: valid ones after them must still be found, if the file is not too large. */
const bombs: Readonly<Record<string, string>> = {
  'deep flow': '['.repeat(100_000),
  'deep maps': '{a: '.repeat(40_000),
  'deep lists': '- '.repeat(100_000),
  'deep keys': '? '.repeat(80_000),
  'deep lines': Array.from({ length: 1000 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
  'aliases in aliases': [
    'a0: &a0 {kind: Pod, spec: {containers: [{image: q.io/x:1}]}}',
    ...Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(10)}]`),
    'kind: List\nitems: *a30',
  ].join('\n'),
  'lists in lists': [
    'l0: &l0 {kind: Service}',
    ...Array.from({ length: 30 }, (_, i) => {
      const items = Array.from({ length: 10 }, () => `*l${i}`).join(', ');
      return `l${i + 1}: &l${i + 1} {kind: List, items: [${items}]}`;
    }),
    'kind: List\nitems: [*l30, *l7, *l6]',
  ].join('\n'),
  'merges of merges': [
    `m: &m {${Array.from({ length: 2000 }, (_, i) => `k${i}: v`).join(', ')}}`,
    ...Array.from({ length: 2000 }, () => '- {<<: *m}'),
  ].join('\n'),
  'an alias in itself': 'kind: List\nitems: &a [*a]',
  'one value many times': `a: &a {image: q.io/x:1}\nkind: Pod\nspec: {containers: [${'*a, '.repeat(40_000)}]}`,
  'many keys': Array.from({ length: 25_000 }, (_, i) => `k${i}: v`).join('\n'),
  'many errors': ']'.repeat(100_000),
};

for (const [name, bomb] of Object.entries(bombs)) {
  test(`${name}: a fault in reasonable time, and the other documents are read`, async (t) => {
    limitCpu(t, 30);
    const text = `${pod('q.io/first:1')}---\n${bomb}\n---\n${pod('q.io/last:1')}`;
    const { images, faults } = await workloadImages(text, { player: 'podman' });
    assert.ok(faults.length > 0);
    assert.ok(faults.length <= 1_001);
    assert.ok(images.length <= 10_001);
    assert.equal(images[0]?.raw, 'q.io/first:1');
    if (!faults.some(({ code }) => code === 'too-large')) {
      assert.equal(images.at(-1)?.raw, 'q.io/last:1');
      assert.equal(images.at(-1)?.line, text.split('\n').length - 1);
    }
  });
}

test('a file of 100,000 lines is read up to a limit', async (t) => {
  limitCpu(t, 30);
  const text = pod('q.io/first:1') + '---\na: b\n'.repeat(100_000);
  const found = await read(text);
  assert.deepEqual(found.images, ['2 spec.containers[0].image q.io/first:1 missing']);
  assert.ok(found.faults.some((fault) => /^too-large:\d{4,}$/.test(fault)));
});

test('a large text in a ConfigMap does not reach the limit', async () => {
  const text = `kind: ConfigMap\ndata:\n  x: |\n${'    [[[[ {{{ line\n'.repeat(50_000)}---\n${pod('q.io/a:1')}`;
  assert.deepEqual(await read(text), {
    images: ['50006 spec.containers[0].image q.io/a:1 missing'],
    faults: [],
  });
});

test('any text gives images and faults without an exception', async () => {
  const words =
    'kind: ,Pod,List,Deployment,spec:,items:,containers:,volumes:,image: ,q.io/a:1,metadata:,annotations:,template:,name: ,__proto__: ,constructor,null';
  const marks =
    '- ;\n;\n  ;\n    ;---\n;...\n;&a ;*a;<<: ;[;];{;};, ;";\';|\n;>-\n;!!binary ;!x ;? ;: ;%YAML 1.1\n;#;\t;~;0x1;\u0000';
  const part = fc.constantFrom(...words.split(','), ...marks.split(';'));
  const text = fc.oneof(
    fc.array(part, { maxLength: 60 }).map((parts) => parts.join('')),
    fc.string(),
  );
  await holds(
    500,
    fc.asyncProperty(text, fc.constantFrom<Player>('podman', 'kubelet'), async (input, player) => {
      const { images, faults } = await workloadImages(input, { player });
      const last = input.split('\n').length;
      for (const { line, raw } of images) assert.ok(raw !== '' && line >= 1 && line <= last);
      for (const { line } of faults) assert.ok(line === undefined || (line >= 1 && line <= last));
    }),
  );
});

test('every image of a pod is found, however the document is written', async () => {
  const name = fc.stringMatching(/^[a-z]{1,8}(?::[a-z0-9]{1,4})?$/).map((text) => `q.io/${text}`);
  const container = fc.record({ name: fc.string(), image: name });
  await holds(
    300,
    fc.asyncProperty(
      fc.array(fc.array(container, { maxLength: 4 }), { maxLength: 4 }),
      async (pods) => {
        const text = pods
          .map((containers) => JSON.stringify({ kind: 'Pod', spec: { containers } }, undefined, 1))
          .join('\n---\n');
        const { images, faults } = await workloadImages(text, { player: 'podman' });
        assert.deepEqual(faults, []);
        assert.deepEqual(
          images.map(({ raw }) => raw),
          pods.flatMap((containers) => containers.map(({ image }) => image)),
        );
        const lines = text.split('\n');
        for (const { raw, line } of images) assert.ok(lines[line - 1]?.includes(raw));
      },
    ),
  );
});
