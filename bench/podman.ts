import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { preparePodman, type TestPodman } from '../test/support/podman.ts';
import { berth, type Row, timed } from './measure.ts';
import { stageRows } from './stage-rows.ts';

/** `berth stage` of 8 images into an empty podman, against `podman pull` as bootc calls it. */
export function benchPodman(directory: string): Promise<Row[]> {
  const against = 'podman pull, one after the other';
  return stageRows(directory, { name: 'podman', against, setUp });
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
