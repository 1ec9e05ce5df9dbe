import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type BenchedEngine, environmentIn, writeOs } from './benched-engine.ts';
import { startDockerRegistry } from './docker-registry.ts';
import { images } from './engine-images.ts';
import { berth, inTurns, type Row, seconds, timed } from './measure.ts';
import { fill } from './peers.ts';
import { startSlowLink } from './slow-link.ts';

const RUNS = 3;
/** Each takes half a minute. */
const RUNS_OVER_LINK = 3;
const LINK = { roundTrip: 30, bitsPerSecond: 200e6 };

/** `berth stage` of 8 images into an empty engine, against the engine's own program, near and over a slow link. */
export async function stageRows<E>(directory: string, engine: BenchedEngine<E>): Promise<Row[]> {
  const { name, release = '' } = engine;
  const place = join(directory, `${name}${release}`);
  const registry = await startDockerRegistry(`${place}-registry`);
  try {
    const names = images().map((image) => image.name);
    await fill(registry.host, images());
    const near = waysTo(engine, `${place}-near`, registry.host, names);
    const onLoopback = await inTurns(RUNS, near);
    const link = await startSlowLink({ target: registry.host, ...LINK });
    try {
      const far = waysTo(engine, `${place}-far`, link.host, names);
      const overLink = await inTurns(RUNS_OVER_LINK, far, 0);
      const work = `stage of ${names.length} images into an empty ${name}${release && ` of ${release}`}`;
      return [
        rowOf(engine, `${work}, loopback`, onLoopback, 1),
        rowOf(engine, 'the same, 30 ms and 200 Mbit/s', overLink, 0.77),
      ];
    } finally {
      await link.stop();
    }
  } finally {
    await registry.stop();
  }
}

/** Two ways of bringing images into an engine that is empty each time: berth, and the engine's own program. */
function waysTo<E>(
  engine: BenchedEngine<E>,
  directory: string,
  host: string,
  names: readonly string[],
): readonly (() => Promise<number>)[] {
  const wanted = names.map((name) => `${host}/${name}`);
  const root = writeOs(join(directory, 'root'), engine, wanted);
  const stage = (running: E, place: string) =>
    timed({
      program: berth,
      words: ['stage', '--progress', 'none', '--id', 'os', root],
      environment: environmentIn(place, host, engine.environment(running)),
    });
  const pull = async (running: E) => {
    const begun = performance.now();
    for (const name of wanted) await engine.pull(running, name);
    return (performance.now() - begun) / 1000;
  };
  return [stage, pull].map((way) => () => inEmpty(engine, directory, host, way));
}

async function inEmpty<E>(
  engine: BenchedEngine<E>,
  directory: string,
  host: string,
  work: (running: E, place: string) => Promise<number>,
): Promise<number> {
  mkdirSync(directory, { recursive: true });
  const place = mkdtempSync(join(directory, 'e-'));
  const running = await engine.start(place, host);
  try {
    return await work(running, place);
  } finally {
    await engine.stop(running);
    rmSync(place, { recursive: true, force: true });
  }
}

function rowOf(
  { pulls }: Pick<BenchedEngine<never>, 'pulls'>,
  work: string,
  [ours = 0, theirs = 0]: readonly number[],
  limit: number,
): Row {
  return {
    work,
    against: `${pulls}, one after the other`,
    berth: seconds(ours),
    peer: seconds(theirs),
    ratio: ours / theirs,
    limit,
  };
}
