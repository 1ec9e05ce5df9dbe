import assert from 'node:assert/strict';
import test from 'node:test';
import type { Resolution } from '../../../src/lifecycle/plan/kept.ts';
import { withinLayers } from '../../../src/lifecycle/plan/layers-in-all.ts';
import { bindingFor, digestFor } from '../../support/samples.ts';

const digest = digestFor('a');

function meaning(at: number, layers: number): Resolution {
  const binding = bindingFor(`registry.example.com/a:${at}`);
  const blobs = Array.from({ length: layers }, () => ({ mediaType: 'a', digest, size: 1 }));
  const platform = 'linux/amd64';
  const same = { digest, manifest: digest, platform };
  const image = { ...same, name: binding.name, config: digest, blobs };
  return { ...same, binding, id: digest, size: 1, locked: false, ...(layers > 0 ? { image } : {}) };
}

test('layers count for each name, and the names beyond the bound fail', () => {
  const meanings = [meaning(0, 4), meaning(1, 4), meaning(2, 0), meaning(3, 4), meaning(4, 1)];
  const { resolutions, failures } = withinLayers(meanings, 10);
  assert.deepEqual(resolutions, meanings.slice(0, 3));
  assert.deepEqual(
    failures.map(({ name, error }) => [name, error.code]),
    [3, 4].map((at) => [`registry.example.com/a:${at}`, 'too-many-layers']),
  );
  assert.match(failures[0]?.error.message ?? '', /at most 10 layers/);
  assert.deepEqual(withinLayers(meanings).failures, []);
});
