import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { openStore } from '../../src/store/store.ts';
import { layer, MemoryRegistry } from '../support/memory-registry.ts';
import { fromRegistry } from '../support/source.ts';
import { temporaryDirectory } from '../support/temporary.ts';

/** A registry that takes a while for manifests, and counts how many are under way. */
class SlowRegistry extends MemoryRegistry {
  most = 0;
  #now = 0;

  override async manifest(name: string, digest: string) {
    this.most = Math.max(this.most, ++this.#now);
    for (let turn = 0; turn < 20; turn++) await setImmediate();
    this.#now--;
    return super.manifest(name, digest);
  }
}

test('a few manifests are held at a time, because each may be large', async (t) => {
  const registry = new SlowRegistry();
  const images = Array.from({ length: 30 }, (_, index) =>
    registry.add(`h.example/a${index}:1`, [layer(`${index}`, 10)]),
  ).flat();
  const store = openStore({ directory: temporaryDirectory(t), registry });
  await Promise.all(images.map((image) => store.fetch(image, fromRegistry())));
  assert.equal(registry.most, 8);
});
