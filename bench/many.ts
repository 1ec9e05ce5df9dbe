import { mkdirSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { type ManyImages, makeManyImages } from '../test/support/many-images.ts';
import { cpuTime, median, type Row, seconds } from './measure.ts';

/** The roots and their images of the whole host; smaller hosts show how the time grows. */
const ROOTS = 200;
const IMAGES_EACH = 25;
const PARTS = [4, 2, 1];
const RUNS = 3;
/** berth's own processor time, in seconds. */
const GOAL = 2;
/** Twice the host may take so much more: whatever is not linear takes four times as long. */
const MOST_GROWTH = 2.3;

const COMMANDS = {
  verify: ['verify', 'root1'],
  status: ['status'],
  'reconcile with nothing to do': ['reconcile'],
};

/**
 * The processor time of berth, without that of podman, on a host with 5,000 images and 200 roots, on half and on a
 * quarter of it. podman itself takes many minutes for all of that.
 */
export async function benchMany(directory: string): Promise<Row[]> {
  const hosts: Measured[] = [];
  for (const part of PARTS) hosts.push(await measured(directory, ROOTS / part));
  return hosts.flatMap((host, index) => rowsOf(host, hosts[index - 1]));
}

interface Measured {
  readonly images: number;
  readonly roots: number;
  /** How long podman takes to list its images, in seconds. */
  readonly listed: number;
  /** berth's processor time by command, in seconds. */
  readonly took: ReadonlyMap<string, number>;
}

async function measured(directory: string, roots: number): Promise<Measured> {
  const place = join(directory, `many-${roots}`);
  mkdirSync(place);
  const host = await makeManyImages(place, { roots, imagesEach: IMAGES_EACH });
  try {
    const config = configOf(place, host);
    const environment = { ...host.podman.environment, BERTH_STATE_DIR: host.state };
    const listed = await timeOfList(host.podman.socket);
    const took = new Map<string, number>();
    for (const [name, command] of Object.entries(COMMANDS)) {
      const words = [...command, '--engine', 'podman', '--config', config];
      const runs: number[] = [];
      for (let i = 0; i < RUNS; i++) runs.push(await cpuTime({ words, environment }));
      took.set(name, median(runs));
    }
    return { images: roots * IMAGES_EACH, roots, listed, took };
  } finally {
    await host.podman.stop();
  }
}

function configOf(directory: string, { roots, active }: ManyImages): string {
  const path = join(directory, 'berth.toml');
  const listed = roots.map((root) => `{ path = "${root.path}", id = "${root.id}" }`).join(', ');
  const file = 'file' in active ? active.file : '';
  writeFileSync(path, `[directories]\nroots = [${listed}]\nactive = { file = "${file}" }\n`);
  return path;
}

/** How long podman takes for the list of images that berth asks for, in seconds. */
async function timeOfList(socketPath: string): Promise<number> {
  const begun = performance.now();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const path = '/v4.0.0/libpod/images/json?all=true';
  get({ socketPath, path }, (reply) => reply.resume().once('end', resolve)).once('error', reject);
  await promise;
  return (performance.now() - begun) / 1000;
}

function rowsOf({ images, roots, listed, took }: Measured, half: Measured | undefined): Row[] {
  const rows = [...took].flatMap(([command, time]) => {
    const work = `${command}, ${images} images and ${roots} roots on podman: processor time of berth`;
    const goal = row(work, [time, GOAL], { against: `${GOAL} s`, limit: 1 });
    const before = half?.took.get(command);
    if (before === undefined) return [goal];
    const against = `${half?.images} images and ${half?.roots} roots`;
    return [goal, row('the same', [time, before], { against, limit: MOST_GROWTH })];
  });
  const against = 'podman, which lists its images';
  const remark = 'time that passes, for the record';
  const verify = took.get('verify') ?? Number.NaN;
  return [...rows, row('verify', [verify, listed], { against, limit: Infinity, remark })];
}

function row(
  work: string,
  [ours, theirs]: readonly [number, number],
  more: Pick<Row, 'against' | 'limit' | 'remark'>,
): Row {
  return { work, berth: seconds(ours), peer: seconds(theirs), ratio: ours / theirs, ...more };
}
