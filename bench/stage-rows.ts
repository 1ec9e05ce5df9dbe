import { join } from 'node:path';
import { startDockerRegistry } from './docker-registry.ts';
import { images } from './engine-images.ts';
import { inTurns, type Row, seconds } from './measure.ts';
import { fill } from './peers.ts';
import { startSlowLink } from './slow-link.ts';

const RUNS = 3;
/** Each takes half a minute. */
const RUNS_OVER_LINK = 1;
const LINK = { roundTrip: 30, bitsPerSecond: 200e6 };

/** Two ways of bringing the same images into an empty engine. Each returns its time in seconds. */
interface Ways {
  readonly berth: () => Promise<number>;
  readonly pull: () => Promise<number>;
}

export interface StagedEngine {
  readonly name: string;
  /** The engine's own way. */
  readonly against: string;
  readonly setUp: (directory: string, host: string, names: readonly string[]) => Ways;
}

/** `berth stage` of 8 images into an empty engine, against the engine's own program, near and over a slow link. */
export async function stageRows(
  directory: string,
  { name, against, setUp }: StagedEngine,
): Promise<Row[]> {
  const registry = await startDockerRegistry(join(directory, `${name}-registry`));
  try {
    const names = images().map((image) => image.name);
    await fill(registry.host, images());
    const row = (work: string, [ours = 0, theirs = 0]: readonly number[], limit: number): Row => ({
      work,
      against,
      berth: seconds(ours),
      peer: seconds(theirs),
      ratio: ours / theirs,
      limit,
    });
    const near = setUp(join(directory, `${name}-near`), registry.host, names);
    const onLoopback = await inTurns(RUNS, [near.berth, near.pull]);
    const link = await startSlowLink({ target: registry.host, ...LINK });
    try {
      const far = setUp(join(directory, `${name}-far`), link.host, names);
      const overLink = await inTurns(RUNS_OVER_LINK, [far.berth, far.pull], 0);
      const work = `stage of ${names.length} images into an empty ${name}`;
      return [
        row(`${work}, loopback`, onLoopback, 1),
        row('the same, 30 ms and 200 Mbit/s', overLink, 1 / 1.3),
      ];
    } finally {
      await link.stop();
    }
  } finally {
    await registry.stop();
  }
}
