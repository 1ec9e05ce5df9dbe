import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import type { EngineId } from '../../src/common/engine-id.ts';
import { MAX_SIGNATURES_BYTES } from '../../src/oci/signatures.ts';
import type { PermitOptions } from '../../src/registry/registry.ts';
import { openDepots } from '../../src/store/depot.ts';
import { layoutAt } from '../../src/store/layout.ts';
import { keepSignatures, storedSignatures } from '../../src/store/signatures.ts';
import { openStore } from '../../src/store/store.ts';
import { layer, MemoryRegistry } from '../support/memory-registry.ts';
import { request } from '../support/pin-request.ts';
import { fromRegistry } from '../support/source.ts';
import { temporaryDirectory } from '../support/temporary.ts';

/** A word that is long enough for a signature. */
const signature = (word: string) => Buffer.from(word.padEnd(40));
const words = (signatures: readonly Buffer[]) => signatures.map((one) => String(one).trim());

/** A registry whose images need signatures, which are beside them. */
class SigningRegistry extends MemoryRegistry {
  readonly found: readonly Buffer[] = ['one', 'other'].map(signature);
  /** What was at hand at each judgement. */
  readonly atHand: string[][] = [];

  override async permit(_: unknown, __?: unknown, options: PermitOptions = {}) {
    this.atHand.push(words(options.beside?.() ?? []));
    return this.found;
  }
}

function start(t: TestContext) {
  const directory = temporaryDirectory(t);
  const registry = new SigningRegistry();
  const [image] = registry.add('h.example/a:1', [layer('a', 20_000)]);
  assert.ok(image !== undefined);
  const depots = openDepots({ directory, registry });
  const depotOf = (engine: EngineId) => depots.forEngine({ engine, serves: () => true });
  const files = () => readdirSync(join(directory, 'signatures'));
  return { directory, registry, image, depotOf, files, layout: layoutAt(directory) };
}

test('what waits keeps its signatures, for every engine, until it goes', async (t) => {
  const { registry, image, depotOf, files } = start(t);
  const podman = depotOf('podman');
  const hold = { root: 'os', request: request(image) };
  await podman.bring(hold, image, image.blobs, fromRegistry(), {});
  assert.deepEqual(files(), [`${image.manifest.slice('sha256:'.length)}.json`]);
  await podman.permit(image, {}, {});
  await depotOf('docker').permit(image, {}, { beside: () => [signature('given')] });
  assert.deepEqual(registry.atHand, [[], ['given', 'one', 'other']]);
  await podman.drop(podman.pins());
  assert.deepEqual(files(), []);
});

test('an image of the store keeps its signatures until it is removed', async (t) => {
  const { directory, registry, image, files } = start(t);
  const store = openStore({ directory, registry });
  await store.fetch(image, fromRegistry());
  assert.equal(files().length, 1);
  await store.fetch(image, fromRegistry());
  assert.deepEqual(registry.atHand, [[], ['one', 'other']]);
  await store.remove(image.manifest);
  assert.deepEqual(files(), []);
});

test('signatures are added to those that are there, each once, as far as they fit', async (t) => {
  const { directory, registry, image, layout } = start(t);
  await openStore({ directory, registry }).fetch(image, fromRegistry());
  const texts = () => words(storedSignatures(layout, image.manifest));
  await keepSignatures(layout, image.manifest, []);
  assert.deepEqual(texts(), ['one', 'other']);
  await keepSignatures(layout, image.manifest, ['new', 'one'].map(signature));
  assert.deepEqual(texts(), ['new', 'one', 'other']);
  const large = Array.from({ length: 100 }, (_, at) => Buffer.alloc(256 * 1024, at));
  await keepSignatures(layout, image.manifest, large);
  const kept = storedSignatures(layout, image.manifest);
  assert.ok(kept.length > 5 && kept.length < large.length, `${kept.length}`);
  assert.ok(kept.every((signature, at) => signature.equals(large[at] ?? signature)));
});

test('a file that is damaged, or too large, is no signature', async (t) => {
  const { directory, registry, image, layout } = start(t);
  await openStore({ directory, registry }).fetch(image, fromRegistry());
  const path = join(directory, 'signatures', `${image.manifest.slice('sha256:'.length)}.json`);
  const texts = ['', '{', '[]', '{"signatures":["%"]}', '{"signatures":[],"signatures":[]}'];
  for (const text of [...texts, ' '.repeat(MAX_SIGNATURES_BYTES + 1)]) {
    writeFileSync(path, text);
    assert.throws(() => storedSignatures(layout, image.manifest), { code: 'store-damaged' }, text);
  }
});
