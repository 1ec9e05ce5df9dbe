import assert from 'node:assert/strict';
import test from 'node:test';
import type { EngineId } from '../../src/common/engine-id.ts';
import { prunable } from '../../src/lifecycle/prune.ts';
import {
  engineImage,
  engineSample,
  engineSituation,
  imagesById,
  recordImage,
  situationIn,
  stagedRecord,
} from '../support/samples.ts';

/** The verdict on an image that podman's root has released, and that another root wants on an engine. */
function verdictWith(wanting: EngineId, sharing: readonly EngineId[]) {
  const image = recordImage('a', 'h.example/app:1');
  const { id, names } = image;
  const old = {
    ...stagedRecord('old'),
    released: [{ ...image, engine: 'podman' as const, names: names.map(({ name }) => name) }],
  };
  const next = stagedRecord('next', { ...image, engine: wanting });
  const sample = engineSample('podman');
  const engine = { ...sample, traits: { ...sample.traits, sharesStorageWith: sharing } };
  const images = imagesById([{ ...engineImage('a', 'h.example/app:1'), id, digests: [] }]);
  const on = engineSituation(engine, [old, next], { images });
  return prunable(situationIn([old, next], [on]))[0]?.verdict;
}

test('an image that a root wants on an engine with the same storage stays', () => {
  assert.deepEqual(verdictWith('crio', ['crio']), { kind: 'kept', by: 'next' });
});

test('an image of the same id on an engine with a storage of its own keeps nothing', () => {
  assert.deepEqual(verdictWith('docker', ['crio']), { kind: 'removable' });
});
