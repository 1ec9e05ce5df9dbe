import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { container, writeRoot } from '../test/support/berth.ts';
import { buildImage } from '../test/support/image-builder.ts';
import { preparePodman } from '../test/support/podman.ts';
import { startRegistry } from '../test/support/registry.ts';
import { berth, compare, type Row, run, seconds, timed } from './measure.ts';

const ROOTS = 3;
const IMAGES = 20;
const RUNS = 5;
/** Seconds: a timer may run it at any time. */
const WELL_UNDER = 1;

/** What `reconcile` and `activate` take where there is nothing to do, on podman. */
export async function benchReconcile(directory: string): Promise<Row[]> {
  const registry = await startRegistry();
  const store = join(directory, 'reconcile-podman');
  mkdirSync(store);
  const podman = preparePodman(store, { insecure: [registry.host] });
  try {
    await podman.restart();
    const roots = Array.from({ length: ROOTS }, (_, slot) => {
      const units = Array.from({ length: IMAGES }, (__, i) => {
        const name = `app${slot}-${i}:1`;
        const seed = 100 * slot + i;
        registry.push(name, buildImage({ layers: [{ bytes: 1000, seed }] }));
        return container(`app${i}`, `${registry.host}/${name}`);
      });
      return writeRoot(join(directory, `slot-${slot}`), {
        'usr/lib/berth/berth.toml': '[bind]\nmode = "all"\n',
        ...Object.assign({}, ...units),
      });
    });
    const config = join(directory, 'reconcile.toml');
    const active = join(directory, 'active');
    const listed = roots.map((path) => `{ path = "${path}" }`).join(', ');
    writeFileSync(active, roots[0] ?? '');
    writeFileSync(config, `[directories]\nroots = [${listed}]\nactive = { file = "${active}" }\n`);
    const environment = {
      ...podman.environment,
      BERTH_STATE_DIR: join(directory, 'reconcile-state'),
    };
    const rows: Row[] = [];
    for (const command of ['reconcile', 'activate']) {
      const words = [command, '--engine', 'podman', '--config', config];
      const again = { program: berth, words, environment };
      await run(again);
      const { ours, theirs } = await compare(
        RUNS,
        () => timed(again),
        async () => WELL_UNDER,
      );
      rows.push({
        work: `${command} with nothing to do, ${ROOTS} roots of ${IMAGES} images on podman`,
        against: `${WELL_UNDER} s`,
        berth: seconds(ours),
        peer: seconds(theirs),
        ratio: ours / theirs,
        limit: 1,
      });
    }
    return rows;
  } finally {
    await podman.stop();
    await registry.close();
  }
}
