import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { ClusterFiles } from '../../../src/discovery/kubernetes/cluster-files.ts';
import { kustomizedImages } from '../../../src/discovery/kubernetes/kustomize/kustomization.ts';
import { Work } from '../../../src/discovery/kubernetes/kustomize/work.ts';
import { workloadImages } from '../../../src/discovery/kubernetes/workload-images.ts';
import { openRoot } from '../../../src/root/open-root.ts';
import { holds, isOver } from '../../support/property.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { type Tree, writeTree } from '../../support/tree.ts';
import { trixieProgram } from '../../support/trixie.ts';
import { contextOf } from '../source.ts';

const names = fc.constantFrom('a', 'b');
const images = fc.constantFrom('q.io/a:1', 'q.io/a', 'q.io/ab:1', 'q.io/b@sha256:0a', 'q.io:5/a:1');
const containers = fc.uniqueArray(fc.record({ name: names, image: images }), {
  selector: ({ name }) => name,
  minLength: 1,
});
const pods = fc.record(
  {
    containers,
    initContainers: containers,
    volumes: fc.constant([{ name: 'a', image: { reference: 'q.io/volume:1' } }]),
  },
  { requiredKeys: ['containers'] },
);

/** The kinds that are generated, with the steps to their pod. */
const kinds = {
  Pod: ['v1', ['spec']],
  Deployment: ['apps/v1', ['spec', 'template', 'spec']],
  CronJob: ['batch/v1', ['spec', 'jobTemplate', 'spec', 'template', 'spec']],
  // A custom resource: kustomize does not know its lists.
  Rollout: ['argoproj.io/v1', ['spec', 'template', 'spec']],
} as const;
const kindNames = fc.constantFrom(...(['Pod', 'Deployment', 'CronJob', 'Rollout'] as const));

/** An object of a kind with something at the place of its pod. */
function objectOf(kind: keyof typeof kinds, name: string, pod: object): object {
  const [apiVersion, steps] = kinds[kind];
  const inner = steps.toReversed().reduce<object>((value, step) => ({ [step]: value }), pod);
  return { apiVersion, kind, metadata: { name }, ...inner };
}

const objects = fc.uniqueArray(fc.record({ kind: kindNames, name: names, pod: pods }), {
  selector: ({ kind, name }) => `${kind}/${name}`,
  minLength: 1,
  maxLength: 3,
});

const imageChanges = fc.array(
  fc.record(
    {
      name: fc.constantFrom('q.io/a', 'q.io/b', 'q.io:5/a', 'q.io/a:1', 'qxio/a'),
      newName: fc.constantFrom('q.io/new', 'q.io/a', ''),
      newTag: fc.constantFrom('2', ''),
      digest: fc.constantFrom('sha256:0b'),
      tagSuffix: fc.constantFrom('-s'),
    },
    { requiredKeys: ['name'] },
  ),
  { maxLength: 2 },
);

const patchedContainers = fc.oneof(
  fc.uniqueArray(
    fc.oneof(
      fc.record({ name: fc.constantFrom('a', 'b', 'c'), image: images }),
      fc.record({ name: names, $patch: fc.constant('delete') }),
      fc.record({ name: names, args: fc.constant(['x']) }),
    ),
    { selector: ({ name }) => name, maxLength: 2 },
  ),
  fc.constant(null),
  fc.constant([{ $patch: 'replace' }, { name: 'n', image: 'q.io/replaced:1' }]),
);
const mergePatches = fc
  .record({
    kind: kindNames,
    name: names,
    containers: patchedContainers,
    key: fc.constantFrom('containers', 'initContainers'),
  })
  .chain(({ kind, name, key, containers: list }) =>
    fc.constantFrom(
      objectOf(kind, name, { [key]: list }),
      objectOf(kind, name, { [key]: list, $patch: 'replace' }),
      { ...objectOf(kind, name, {}), $patch: 'delete' },
    ),
  );
const jsonPatches = fc
  .record({
    kind: kindNames,
    op: fc.constantFrom('add', 'replace', 'remove'),
    at: fc.constantFrom(
      '/containers/0/image',
      '/containers/1',
      '/containers/-',
      '/initContainers',
      '/x',
    ),
    image: images,
  })
  .map(({ kind, op, at, image }) => {
    const isImage = at.endsWith('image');
    const item = { name: 'j', image };
    const value = isImage ? image : at === '/initContainers' ? [item] : item;
    return [
      { op, path: `/${kinds[kind][1].join('/')}${at}`, ...(op === 'remove' ? {} : { value }) },
    ];
  });
const targets = fc.record(
  {
    kind: fc.oneof(kindNames, fc.constantFrom('Dep.*', 'Pod|CronJob', '.*o.+')),
    name: fc.constantFrom('a', 'p-a', '.', 'p-.*'),
    version: fc.constant('v1'),
    group: fc.constantFrom('apps', 'batch'),
  },
  { requiredKeys: [] },
);
const patches = fc.array(
  fc.oneof(
    mergePatches.map((patch) => ({ patch: JSON.stringify(patch) })),
    fc.record({ target: targets, patch: mergePatches.map((patch) => JSON.stringify(patch)) }),
    fc.record({ target: targets, patch: jsonPatches.map((patch) => JSON.stringify(patch)) }),
  ),
  { maxLength: 2 },
);
const exactPatches = fc.array(
  fc.record({
    target: fc.constantFrom(
      { group: 'apps', version: 'v1', kind: 'Deployment', name: 'a' },
      { version: 'v1', kind: 'Pod', name: 'p-a' },
    ),
    patch: jsonPatches.map((patch) => JSON.stringify(patch)),
  }),
  { maxLength: 1 },
);
const transformers = fc.record(
  {
    images: imageChanges,
    patches,
    patchesStrategicMerge: fc.array(
      mergePatches.map((patch) => JSON.stringify(patch)),
      { maxLength: 1 },
    ),
    patchesJson6902: exactPatches,
    namePrefix: fc.constant('p-'),
    namespace: fc.constant('n'),
    replicas: fc.constant([]),
  },
  { requiredKeys: [] },
);

const trees = fc.record({
  base: fc.record({ objects, transformers }),
  overlay: fc.record({ objects, transformers }),
  component: fc.option(transformers),
  bare: fc.boolean(),
});

type Generated = typeof trees extends fc.Arbitrary<infer T> ? T : never;

function treeOf({ base, overlay, component, bare }: Generated): Tree {
  const write = (list: Generated['base']['objects'], prefix: string) =>
    list
      .map(({ kind, name, pod }) => JSON.stringify(objectOf(kind, prefix + name, pod)))
      .join('\n---\n');
  const components = component === null ? {} : { components: ['../component'] };
  const resources = ['objects.yaml', ...(bare ? [] : ['../base'])];
  return {
    '/base/kustomization.yaml': JSON.stringify({
      resources: ['objects.yaml'],
      ...base.transformers,
    }),
    '/base/objects.yaml': write(base.objects, ''),
    '/overlay/Kustomization': JSON.stringify({ resources, ...components, ...overlay.transformers }),
    '/overlay/objects.yaml': write(overlay.objects, 'o-'),
    '/component/kustomization.yml': JSON.stringify({
      apiVersion: 'kustomize.config.k8s.io/v1alpha1',
      kind: 'Component',
      ...component,
    }),
  };
}

test('a kustomization has the images that kubectl builds', async (t) => {
  const kubectl = trixieProgram('kubectl');
  let compared = 0;
  await holds(
    40,
    fc.asyncProperty(trees, async (generated) => {
      const directory = temporaryDirectory(t);
      const tree = treeOf(generated);
      writeTree(directory, tree);
      const told = JSON.stringify(tree);
      const root = openRoot(directory);
      const files = new ClusterFiles(contextOf(root), 'x.service', { engine: 'containerd' });
      await kustomizedImages('/overlay', files, new Work());
      root.close();
      const found = files.references.map(({ raw }) => raw).toSorted();
      const faults = files.problems.filter(({ code }) => code === 'kustomization');
      const { code, stdout, stderr } = await kubectl(['kustomize', join(directory, 'overlay')], {});
      if (code !== 0) assert.ok(faults.length > 0, `kubectl says ${stderr}: ${told}`);
      else if (faults.length === 0) {
        compared++;
        const built = await workloadImages(stdout, { player: 'cluster' });
        const expected = built.images.map(({ raw }) => raw).toSorted();
        assert.deepEqual(found, expected, `${found.join()} for ${expected.join()}: ${told}`);
      } else assert.fail(`kubectl builds it, and berth says ${faults[0]?.message}: ${told}`);
    }),
  );
  assert.ok(isOver() || compared > 8, `only ${compared} were built`);
});
