import { createCipheriv, createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Layer } from '../test/support/image-builder.ts';
import { preparePodman, type TestPodman } from '../test/support/podman.ts';
import { startDockerRegistry } from './docker-registry.ts';
import { berth, inTurns, type Row, seconds, timed } from './measure.ts';
import { type BenchImage, fill } from './peers.ts';
import { startSlowLink } from './slow-link.ts';

const IMAGES = 8;
export const RUNS = 3;
/** Each takes half a minute. */
export const RUNS_OVER_LINK = 1;
export const LINK = { roundTrip: 30, bitsPerSecond: 200e6 };

/** `berth stage` of 8 images into an empty podman, against `podman pull` as bootc calls it. */
export async function benchPodman(directory: string): Promise<Row[]> {
  const registry = await startDockerRegistry(join(directory, 'podman-registry'));
  try {
    const names = images().map(({ name }) => name);
    await fill(registry.host, images());
    const near = setUp(join(directory, 'near'), registry.host, names);
    const [ours = 0, theirs = 0] = await inTurns(RUNS, [near.berth, near.pull]);
    const link = await startSlowLink({ target: registry.host, ...LINK });
    try {
      const far = setUp(join(directory, 'far'), link.host, names);
      const [oursFar = 0, theirsFar = 0] = await inTurns(RUNS_OVER_LINK, [far.berth, far.pull], 0);
      const against = 'podman pull, one after the other';
      return [
        {
          work: `stage of ${IMAGES} images into an empty podman, loopback`,
          against,
          berth: seconds(ours),
          peer: seconds(theirs),
          ratio: ours / theirs,
          limit: 1,
        },
        {
          work: 'the same, 30 ms and 200 Mbit/s',
          against,
          berth: seconds(oursFar),
          peer: seconds(theirsFar),
          ratio: oursFar / theirsFar,
          limit: 1 / 1.3,
        },
      ];
    } finally {
      await link.stop();
    }
  } finally {
    await registry.stop();
  }
}

/** Two shared layers and two of each image's own, of many small files that compress by half. */
export function images(): BenchImage[] {
  const shared = [layer(1, 1600), layer(2, 300)];
  return Array.from({ length: IMAGES }, (_, i) => ({
    name: `podman/app${i}:1`,
    layers: [...shared, layer(10 + i, 800 + i * 30), layer(100 + i, 60)],
  }));
}

/** 30 kB each. */
function layer(seed: number, files: number): Layer {
  const names = Array.from({ length: files }, (_, i) => `usr/lib/part${seed}/${i % 40}/file${i}`);
  return { files: Object.fromEntries(names.map((name) => [name, content(name)])) };
}

function content(name: string): Buffer {
  const key = createHash('sha256').update(name).digest();
  const noise = createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(30_000));
  return Buffer.concat([noise, Buffer.alloc(30_000, name)]);
}

function setUp(directory: string, host: string, names: readonly string[]) {
  const units = join(directory, 'root/usr/share/containers/systemd');
  mkdirSync(units, { recursive: true });
  for (const [i, name] of names.entries()) {
    writeFileSync(join(units, `app${i}.container`), `[Container]\nImage=${host}/${name}\n`);
  }
  /** In an empty podman each time. */
  const fresh = async (work: (podman: TestPodman) => Promise<number>) => {
    const place = mkdtempSync(join(directory, 'p-'));
    const podman = preparePodman(place, { insecure: [host] });
    try {
      await podman.restart();
      return await work(podman);
    } finally {
      await podman.stop();
      rmSync(place, { recursive: true, force: true });
    }
  };
  return {
    berth: () =>
      fresh(({ environment, directory: place }) =>
        timed({
          program: berth,
          words: ['stage', '--engine', 'podman', '--bind', 'all', join(directory, 'root')],
          environment: { ...environment, BERTH_STATE_DIR: join(place, 'state') },
        }),
      ),
    pull: () =>
      fresh(async ({ podman }) => {
        const begun = performance.now();
        for (const name of names) await podman('pull', '--quiet', `${host}/${name}`);
        return (performance.now() - begun) / 1000;
      }),
  };
}
