import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { readImageLayers } from '../../../src/engine/containers-storage/image-layers.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

function storeWith(t: TestContext, images: string, layers: string): string {
  const directory = temporaryDirectory(t);
  for (const kind of ['images', 'layers']) mkdirSync(join(directory, `overlay-${kind}`));
  writeFileSync(join(directory, 'overlay-images/images.json'), images);
  writeFileSync(join(directory, 'overlay-layers/layers.json'), layers);
  return directory;
}

test('an image has its top layer and all below; others are left out', (t) => {
  const images = ['a', 'b', 'lost', 'circle', 'unsized'].map((id) => ({ id, layer: `${id}-top` }));
  const layers = [
    { id: 'base', 'diff-size': 100 },
    { id: 'a-top', parent: 'base', 'diff-size': 1 },
    { id: 'b-top', parent: 'base', 'diff-size': 0 },
    { id: 'lost-top', parent: 'absent', 'diff-size': 1 },
    { id: 'circle-top', parent: 'circle-top', 'diff-size': 1 },
    { id: 'unsized-top', parent: 'base' },
  ];
  const path = storeWith(t, JSON.stringify([...images, { id: 'bare' }]), JSON.stringify(layers));
  const base = { id: 'base', size: 100 };
  assert.deepEqual(
    readImageLayers(path, 'overlay'),
    [
      ['sha256:a', [{ id: 'a-top', size: 1 }, base]],
      ['sha256:b', [{ id: 'b-top', size: 0 }, base]],
      ['sha256:bare', []],
    ].reduce((map, [id, list]) => map.set(id, list), new Map()),
  );
});

test('lists that can’t be read are those of an empty store', (t) => {
  assert.equal(readImageLayers(storeWith(t, '{', '[]'), 'overlay').size, 0);
  assert.equal(readImageLayers(storeWith(t, '[{"id": 1}]', '[]'), 'overlay').size, 0);
  assert.equal(readImageLayers('/nonexistent', 'overlay').size, 0);
});
