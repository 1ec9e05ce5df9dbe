import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { container, writeRoot } from '../test/support/berth.ts';
import { preparePodman } from '../test/support/podman.ts';
import { startDockerRegistry } from './docker-registry.ts';
import { berth, compare, inTurns, type Row, run, seconds, timed } from './measure.ts';
import { type BenchImage, fill, setUpPeers } from './peers.ts';
import { startSlowLink } from './slow-link.ts';

const SMALL = 40;
const FLOATING = 64;
const RUNS = 3;
const LINK = { roundTrip: 30, bitsPerSecond: 200e6 };

/** Where it is the round trips that count: 30 ms each. */
export async function benchSmall(directory: string): Promise<Row[]> {
  const registry = await startDockerRegistry(join(directory, 'small-registry'));
  const link = await startSlowLink({ target: registry.host, ...LINK });
  try {
    const names = (await fillSmall(registry.host)).map(({ name }) => name);
    return [
      ...(await manySmall(join(directory, 'small'), link.host, names.slice(0, SMALL))),
      await nothingToDo(join(directory, 'unchanged'), link.host, names),
    ];
  } finally {
    await link.stop();
    await registry.stop();
  }
}

/** Each of a shared layer and one of its own. */
async function fillSmall(host: string): Promise<BenchImage[]> {
  const images = Array.from({ length: FLOATING }, (_, i) => ({
    name: `bench/small${i}:1`,
    layers: [
      { bytes: 20_000, seed: 1 },
      { bytes: 20_000, seed: 10 + i },
    ],
  }));
  await fill(host, images);
  return images;
}

async function manySmall(directory: string, host: string, names: readonly string[]) {
  const peers = setUpPeers(directory, host, names);
  const ways = [peers.berth, peers.copy, peers.sync];
  const [ours = 0, copy = 0, sync = 0] = await inTurns(1, ways, 0);
  peers.clear();
  return [
    {
      work: `stage of ${SMALL} small images, 30 ms`,
      against: 'skopeo copy, one after the other',
      berth: seconds(ours),
      peer: seconds(copy),
      ratio: ours / copy,
      limit: 0.2,
    },
    {
      work: 'the same',
      against: 'skopeo sync',
      berth: seconds(ours),
      peer: seconds(sync),
      ratio: ours / sync,
      limit: 0.2,
    },
  ];
}

/** On podman: all is there, and whether the tags still mean the same has to be asked. */
async function nothingToDo(
  directory: string,
  host: string,
  names: readonly string[],
): Promise<Row> {
  const store = join(directory, 'podman');
  mkdirSync(store, { recursive: true });
  const podman = preparePodman(store, { insecure: [host] });
  try {
    await podman.restart();
    const full = names.map((name) => `${host}/${name}`);
    const units = full.map((name, i) => container(`app${i}`, name, 'Pull=newer\n'));
    const root = writeRoot(join(directory, 'root'), Object.assign({}, ...units));
    const environment = { ...podman.environment, BERTH_STATE_DIR: join(directory, 'state') };
    const words = ['stage', '--engine', 'podman', '--bind', 'all', '--id', 'os', root];
    const stage = { program: berth, words, environment };
    await run(stage);
    const { ours, theirs } = await compare(
      RUNS,
      () => timed(stage),
      async () => {
        const begun = performance.now();
        for (const name of full) await podman.podman('pull', '-q', name);
        return (performance.now() - begun) / 1000;
      },
    );
    return {
      work: `stage with nothing to do, ${names.length} floating tags on podman, 30 ms`,
      against: `${names.length} × podman pull`,
      berth: seconds(ours),
      peer: seconds(theirs),
      ratio: ours / theirs,
      limit: 0.1,
    };
  } finally {
    await podman.stop();
  }
}
