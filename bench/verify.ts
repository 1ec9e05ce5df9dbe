import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { container, writeRoot } from '../test/support/berth.ts';
import { buildImage } from '../test/support/image-builder.ts';
import { preparePodman } from '../test/support/podman.ts';
import { startRegistry } from '../test/support/registry.ts';
import { berth, compare, type Row, run, seconds, timed } from './measure.ts';

const IMAGES = 64;
const RUNS = 5;

/** `berth verify` of 64 images on podman against 64 runs of `podman image exists`. */
export async function benchVerify(directory: string): Promise<Row[]> {
  const registry = await startRegistry();
  const store = join(directory, 'podman');
  mkdirSync(store);
  const podman = preparePodman(store, { insecure: [registry.host] });
  try {
    await podman.restart();
    const names = Array.from({ length: IMAGES }, (_, i) => `${registry.host}/app${i}:1`);
    const units = names.map((name, i) => container(`app${i}`, name));
    for (let i = 0; i < IMAGES; i++) {
      const layers = [
        { bytes: 1000, seed: 1 },
        { bytes: 1000, seed: 100 + i },
      ];
      registry.push(`app${i}:1`, buildImage({ layers }));
    }
    const root = writeRoot(join(directory, 'verify-root'), Object.assign({}, ...units));
    const environment = {
      ...podman.environment,
      BERTH_STATE_DIR: join(directory, 'verify-state'),
    };
    const staging = ['stage', '--engine', 'podman', '--bind', 'all', '--id', 'os', root];
    await run({ program: berth, words: staging, environment });
    const verify = { program: berth, words: ['verify', '--engine', 'podman', 'os'], environment };
    const { ours, theirs } = await compare(
      RUNS,
      () => timed(verify),
      async () => {
        const begun = performance.now();
        for (const name of names) await podman.podman('image', 'exists', name);
        return (performance.now() - begun) / 1000;
      },
    );
    // Its pin goes with it, as it does when an admin insists.
    await podman.podman('rmi', '-f', names[0] ?? '');
    await run(verify, 3);
    return [
      {
        work: `verify of ${IMAGES} images on podman`,
        against: `${IMAGES} × podman image exists`,
        berth: seconds(ours),
        peer: seconds(theirs),
        ratio: ours / theirs,
        limit: 0.1,
        remark: 'answers 3 with one removed',
      },
    ];
  } finally {
    await podman.stop();
    await registry.close();
  }
}
