import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { EngineError } from '../../src/engine/errors.ts';
import { openStore } from '../../src/store/store.ts';
import { validBlobs, validNames, validPins } from '../support/layout-check.ts';
import { layer, MemoryRegistry } from '../support/memory-registry.ts';
import { missingOf } from '../support/missing.ts';
import { request } from '../support/pin-request.ts';
import { holds } from '../support/property.ts';
import { fromRegistry } from '../support/source.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { held } from './fixture.ts';

const registry = new MemoryRegistry();
const words = [['base'], ['base', 'a'], ['base', 'a', 'b'], ['c']];
const images = words.map((layers, i) => {
  const platforms = i === 1 ? ['linux/amd64', 'linux/arm64'] : ['linux/amd64'];
  const [image] = registry.add(
    `h.example/r${i}:1`,
    layers.map((word) => layer(word, 100)),
    platforms,
  );
  assert.ok(image);
  return image;
});
const tags = ['h.example/t:1', 'h.example/t:2', 'h.example/t:3'];
const roots = ['one', 'two'];

const step = fc.record({
  kind: fc.constantFrom('fetch', 'fetch', 'pin', 'pin', 'unpin', 'tag', 'remove', 'reopen'),
  image: fc.constantFrom(...images),
  tag: fc.constantFrom(...tags),
  root: fc.constantFrom(...roots),
});

/** What a store should contain, as plain sets of strings. */
interface Model {
  readonly present: Set<string>;
  readonly tags: Map<string, string>;
  readonly pins: Set<string>;
}

test('any order of fetch, pin, unpin, tag and remove does what a plain model does', async (t) => {
  const parent = temporaryDirectory(t);
  await holds(
    25,
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const directory = mkdtempSync(join(parent, 'run-'));
      let store = openStore({ directory, registry });
      const model: Model = { present: new Set(), tags: new Map(), pins: new Set() };
      for (const { kind, image, tag, root } of steps) {
        const id = image.manifest;
        const isPresent = model.present.has(id);
        switch (kind) {
          case 'fetch':
            assert.equal(await store.fetch(image, fromRegistry()), id);
            model.present.add(id);
            break;
          case 'pin':
            assert.equal(await succeeds(store.pin(root, [request(image)])), isPresent);
            if (isPresent) model.pins.add(`${root} ${id}`);
            break;
          case 'unpin':
            await store.unpin([{ ...request(image), engine: 'store', root, handle: '' }]);
            model.pins.delete(`${root} ${id}`);
            break;
          case 'tag':
            assert.equal(await succeeds(store.tag(id, tag)), isPresent);
            if (isPresent) model.tags.set(tag, id);
            break;
          case 'remove': {
            const isFree = roots.every((other) => !model.pins.has(`${other} ${id}`));
            assert.equal(await store.remove(id), isFree);
            if (isFree) model.present.delete(id);
            for (const [name, meant] of model.tags)
              if (isFree && meant === id) model.tags.delete(name);
            break;
          }
          case 'reopen':
            store = openStore({ directory, registry });
            break;
        }
        await isAsModelled(store, model, directory, steps);
      }
      rmSync(directory, { recursive: true });
    }),
  );
});

async function isAsModelled(
  store: ReturnType<typeof openStore>,
  model: Model,
  directory: string,
  steps: readonly { kind: string }[],
): Promise<void> {
  const found = await store.images();
  assert.deepEqual(new Set(found.map(({ id }) => id)), model.present);
  const meant = found.flatMap(({ id, names }) => names.map((name) => [name, id] as const));
  assert.deepEqual(new Map(meant), model.tags);
  assert.deepEqual(held(await store.pins()), [...model.pins].sort());
  assert.deepEqual(validPins(directory), new Set([...model.pins].map((pin) => pin.split(' ')[1])));
  assert.equal(validNames(directory).size, model.present.size + model.tags.size);
  for (const image of images) {
    if (model.present.has(image.manifest)) assert.deepEqual(await missingOf(store, image), []);
  }
  const needed = images
    .filter(({ manifest }) => model.present.has(manifest))
    .flatMap(({ blobs, manifest, digest }) => [manifest, digest, ...blobs.map((b) => b.digest)]);
  // Once a removal has swept, nothing is kept that nothing needs.
  assert.deepEqual(validBlobs(directory), new Set(needed), JSON.stringify(steps));
}

async function succeeds(call: Promise<void>): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (error) {
    if (error instanceof EngineError && error.code === 'no-such-image') return false;
    throw error;
  }
}
