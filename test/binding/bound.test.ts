import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readBound, withoutArtifacts } from '../../src/binding/bound.ts';
import { rootOf, units } from '../support/tree.ts';

test('a bundle and a root that ships its images leave artifacts out, and say so', async (t) => {
  const root = rootOf(t, {
    [`${units}/a.container`]:
      '[Container]\nImage=q.io/a:1\nMount=type=artifact,source=q.io/m:1,destination=/m\n',
  });
  const bound = await readBound(root, { bind: 'all', compose: [] });
  assert.deepEqual(
    bound.bindings.map(({ name, artifact }) => [name, artifact]),
    [
      ['q.io/a:1', undefined],
      ['q.io/m:1', true],
    ],
  );
  assert.deepEqual(bound.problems, []);
  const { bindings, problems, hasUnknown } = withoutArtifacts(bound);
  assert.deepEqual(
    bindings.map(({ name }) => name),
    ['q.io/a:1'],
  );
  assert.deepEqual(
    problems.map(({ code, path, line }) => [code, path, line]),
    [['artifact', `${units}/a.container`, 3]],
  );
  assert.equal(hasUnknown, true);
  const plain = { ...bound, bindings };
  assert.equal(withoutArtifacts(plain), plain);
});
