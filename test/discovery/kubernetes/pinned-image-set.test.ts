import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pinnedImageSets } from '../../../src/discovery/kubernetes/pinned-image-set.ts';
import type { SourceContext } from '../../../src/discovery/source.ts';
import { foundBy, places, problemsOf } from '../source.ts';

const sets = (context: SourceContext) => pinnedImageSets(context, () => undefined);

const directory = '/usr/lib/berth/images.d';
const digest = `sha256:${'a'.repeat(64)}`;
const head = 'apiVersion: machineconfiguration.openshift.io/v1\nkind: PinnedImageSet\n';

test('the images of a set are found with their places, and are bound', async (t) => {
  const found = await foundBy(t, sets, {
    '/etc/x': '',
    [`${directory}/set.yaml`]: `${head}spec:\n  pinnedImages:\n  - name: q.io/a@${digest}\n  - name: q.io/b:1\n  - {}\n  - x\n`,
    [`${directory}/old.json`]: JSON.stringify({
      apiVersion: 'machineconfiguration.openshift.io/v1alpha1',
      kind: 'PinnedImageSet',
      spec: { pinnedImages: [{ name: `q.io/c@${digest}` }] },
    }),
    [`${directory}/names.list`]: 'q.io/d',
  });
  const path = `${directory}/set.yaml`;
  assert.deepEqual(places(found), [
    `${directory}/old.json:1 spec.pinnedImages[0].name q.io/c@${digest} missing`,
    `${path}:5 spec.pinnedImages[0].name q.io/a@${digest} missing`,
    `${path}:6 spec.pinnedImages[1].name - missing`,
    `${path}:7 spec.pinnedImages[2].name - missing`,
    `${path}:8 spec.pinnedImages[3].name - missing`,
  ]);
  assert.deepEqual(
    problemsOf(found),
    [6, 7, 8].map((line) => `pinned-image-set ${path}:${line}`),
  );
  for (const { kind, bind } of found.references) {
    assert.deepEqual([kind, bind], ['pinned-image-set', true]);
  }
});

test('a document of another kind is a problem and hides nothing', async (t) => {
  const path = `${directory}/a.yml`;
  const set = `${head}spec: {pinnedImages: [{name: q.io/a@${digest}}]}\n`;
  const found = await foundBy(t, sets, {
    '/etc/x': '',
    [path]: `kind: PinnedImageSet\n---\n${head}spec: {pinnedImages: 1}\n---\n[\n---\n${set}`,
  });
  assert.equal(found.references.length, 1);
  assert.deepEqual(problemsOf(found).toSorted(), [
    `pinned-image-set ${path}:1`,
    `pinned-image-set ${path}:5`,
    `yaml ${path}:8`,
  ]);
});

const spec = (name: string) => ({ spec: { pinnedImages: [{ name: `q.io/${name}@${digest}` }] } });
const typed = { apiVersion: 'machineconfiguration.openshift.io/v1', kind: 'PinnedImageSet' };

test('lists of sets, as oc and the API print them, are sets', async (t) => {
  const list = {
    apiVersion: 'v1',
    kind: 'List',
    items: [
      { ...typed, ...spec('a') },
      { ...typed, ...spec('b') },
    ],
  };
  const ofOneKind = { ...typed, kind: 'PinnedImageSetList', items: [spec('c')] };
  const found = await foundBy(t, sets, {
    '/etc/x': '',
    [`${directory}/list.json`]: JSON.stringify(list),
    [`${directory}/typed.json`]: JSON.stringify(ofOneKind),
    [`${directory}/zero.json`]: JSON.stringify({ ...list, items: [] }),
  });
  assert.deepEqual(places(found), [
    `${directory}/list.json:1 items[0].spec.pinnedImages[0].name q.io/a@${digest} missing`,
    `${directory}/list.json:1 items[1].spec.pinnedImages[0].name q.io/b@${digest} missing`,
    `${directory}/typed.json:1 items[0].spec.pinnedImages[0].name q.io/c@${digest} missing`,
  ]);
  assert.deepEqual(problemsOf(found), []);
});

test('a list of anything else, or of too much, is a problem', async (t) => {
  const path = (name: string) => `${directory}/${name}.json`;
  const many = Array.from({ length: 10_001 }, () => ({ name: `q.io/a@${digest}` }));
  const found = await foundBy(t, sets, {
    '/etc/x': '',
    [path('pods')]: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [{ kind: 'Pod' }] }),
    [path('bare')]: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [spec('a')] }),
    [path('many')]: JSON.stringify({ ...typed, spec: { pinnedImages: many } }),
  });
  assert.deepEqual(found.references, []);
  assert.deepEqual(
    problemsOf(found).toSorted(),
    ['bare', 'many', 'pods'].map((name) => `pinned-image-set ${path(name)}:1`),
  );
});
