import { writeFileSync, writeSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { EngineError } from '../../src/engine/errors.ts';
import { openDepots } from '../../src/store/depot.ts';
import { openStore } from '../../src/store/store.ts';
import { layer, MemoryRegistry } from '../support/memory-registry.ts';
import { request } from '../support/pin-request.ts';
import { fromRegistry } from '../support/source.ts';

/** The registry of the tests with several processes: the same in each. */
export function sampleRegistry() {
  const registry = new MemoryRegistry();
  registry.chunkSize = 4096;
  const images = Array.from({ length: 6 }, (_, i) => {
    const layers = ['base', `pair${i % 3}`, `own${i}`].map((word) => layer(word, 30_000));
    const platforms = i === 0 ? ['linux/amd64', 'linux/arm64'] : ['linux/amd64'];
    const [image] = registry.add(`h.example/app${i}:1`, layers, platforms);
    if (image === undefined) throw new Error('no image');
    return image;
  });
  return { registry, images };
}

const ROUNDS = 4;

/** Engines that have depots in one store; the last keeps its images waiting. */
export const engines = ['podman', 'podman:app', 'docker'] as const;

const [role, directory = '', ...numbers] = process.argv.slice(2);

/** Writes a byte to the parent for each chunk and each step; the parent kills by their count. */
function beat(): void {
  writeSync(1, '.');
}

if (role === 'life') await life();
if (role === 'waiting') await waiting();
if (role === 'stager') await stager();
if (role === 'remover') await remover();

/** The life of a store: parallel fetches, pins, tags, and removals. */
async function life(): Promise<void> {
  const { registry, images } = sampleRegistry();
  registry.before = async () => {
    beat();
    await setImmediate();
  };
  const store = openStore({ directory, registry });
  await Promise.all(
    images.map(async (image, i) => {
      await store.fetch(image, fromRegistry());
      beat();
      if (i % 2 === 0) await store.pin('even', [request(image)]);
      beat();
      await store.tag(image.manifest, image.name);
      beat();
    }),
  );
  for (const image of images) {
    await store.remove(image.manifest);
    beat();
  }
}

/**
 * Images come for three engines at once, and go for all engines but the last. A file beside the store, its
 * name with `.brought`, says that all have come.
 */
async function waiting(): Promise<void> {
  const { registry, images } = sampleRegistry();
  registry.before = async () => {
    beat();
    await setImmediate();
  };
  const depots = openDepots({ directory, registry });
  const opened = engines.map((engine) => depots.forEngine({ engine, serves: () => true }));
  await Promise.all(
    images.flatMap((image, i) =>
      opened.map(async (depot) => {
        const hold = { root: `root${i % 2}`, request: request(image) };
        await depot.bring(hold, image, image.blobs, fromRegistry(), {});
        beat();
      }),
    ),
  );
  writeFileSync(`${directory}.brought`, '');
  for (const depot of opened.slice(0, -1)) {
    for (const pin of depot.pins()) {
      await depot.drop([pin]);
      beat();
    }
  }
}

/** Fetches and pins images over and over, for a root of its own, while another removes. */
async function stager(): Promise<void> {
  const { registry, images } = sampleRegistry();
  registry.before = () => setImmediate();
  const root = numbers[0] ?? '';
  for (let round = 0; round < ROUNDS; round++) {
    const store = openStore({ directory, registry });
    for (const image of images.filter((_, i) => numbers.includes(String(i)))) {
      await fetchAndPin(store, root, image);
    }
    if (round < ROUNDS - 1)
      await store.unpin((await store.pins()).filter((pin) => pin.root === root));
  }
}

/**
 * Fetches and pins, and tries again if another process removed the image in between, which the lifecycle's
 * own lock would prevent.
 */
async function fetchAndPin(
  store: ReturnType<typeof openStore>,
  root: string,
  image: Parameters<typeof request>[0],
): Promise<void> {
  for (;;) {
    await store.fetch(image, fromRegistry());
    try {
      return await store.pin(root, [request(image)]);
    } catch (error) {
      if (!(error instanceof EngineError) || error.code !== 'no-such-image') throw error;
    }
  }
}

/** Removes whatever can be removed until the process is killed. */
async function remover(): Promise<void> {
  const { registry, images } = sampleRegistry();
  const store = openStore({ directory, registry });
  for (;;) for (const image of images) await store.remove(image.manifest);
}
