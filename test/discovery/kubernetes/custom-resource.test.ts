import assert from 'node:assert/strict';
import { test } from 'node:test';
import { workloadImages } from '../../../src/discovery/kubernetes/workload-images.ts';

const containers = '[{image: q.io/a:1}]';

test('a custom resource is read where it keeps a pod, and named where it names images', async () => {
  const cases: readonly (readonly [string, readonly string[], number])[] = [
    // Argo's Rollout and OpenShift's DeploymentConfig keep their pod where a Deployment does.
    [
      `apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nspec: {template: {spec: {containers: ${containers}}}}`,
      ['spec.template.spec.containers[0].image q.io/a:1'],
      0,
    ],
    [
      `apiVersion: apps.kruise.io/v1\nkind: AdvancedCronJob\nspec: {jobTemplate: {spec: {template: {spec: {containers: ${containers}}}}}}`,
      ['spec.jobTemplate.spec.template.spec.containers[0].image q.io/a:1'],
      0,
    ],
    ['apiVersion: monitoring.coreos.com/v1\nkind: Prometheus\nspec: {image: q.io/p:1}', [], 1],
    ['apiVersion: k8s.mariadb.com/v1\nkind: MariaDB\nspec: {a: [{initImage: q.io/p:1}]}', [], 1],
    [
      `apiVersion: jobset.x-k8s.io/v1\nkind: JobSet\nspec: {replicatedJobs: [{template: {containers: ${containers}}}]}`,
      [],
      1,
    ],
    ['apiVersion: example.com/v1\nkind: Site\nspec: {image: {width: 3}, title: image}', [], 0],
    ['apiVersion: example.com/v1\nkind: Site\nspec: &a {b: {c: 1}, d: {image: ""}}', [], 0],
    // The schema of a custom resource has keys for images, but names none.
    [
      'apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nspec: {image: x}',
      [],
      0,
    ],
    ['apiVersion: v1\nkind: ConfigMap\nspec: {image: x}', [], 0],
    ['apiVersion: helm.cattle.io/v1\nkind: HelmChartConfig\nspec: {valuesContent: x}', [], 1],
    [
      'apiVersion: helm.cattle.io/v1\nkind: HelmChart\nspec: {jobImage: q.io/helm:1}',
      ['spec.jobImage q.io/helm:1'],
      1,
    ],
    [
      `apiVersion: v1\nkind: PodList\nitems: [{kind: Pod, spec: {containers: ${containers}}}]`,
      ['items[0].spec.containers[0].image q.io/a:1'],
      0,
    ],
  ];
  for (const [text, images, unread] of cases) {
    const found = await workloadImages(text, { player: 'cluster' });
    assert.deepEqual(
      [found.images.map(({ key, raw }) => `${key} ${raw}`), found.faults.map(({ code }) => code)],
      [images, Array.from({ length: unread }, () => 'kube-unread')],
      text,
    );
  }
});

test('a custom resource that aliases repeat over and over is read once', async () => {
  const levels = Array.from(
    { length: 60 },
    (_, level) => `  l${level + 1}: &l${level + 1} [*l${level}, *l${level}]`,
  );
  const text = `apiVersion: x.io/v1\nkind: X\nspec:\n  l0: &l0 [1]\n${levels.join('\n')}\n`;
  assert.deepEqual(await workloadImages(text, { player: 'cluster' }), { images: [], faults: [] });
});
