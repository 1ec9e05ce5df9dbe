// Searches with ever other seeds until the time is over or a test fails: `soak.ts 30m 20000 5000 720`. It runs the
// tests that search (test/support/property.ts), two files at a time, each for longer than `make test`.
// Then the test of odd registries runs until it has compared that many registries (here 5000), the test that
// boots a forest of units until it has compared that many units (here 20000), and the test of `berth watch`
// until things were removed from engines that many times (here 720, which takes an hour).
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { UNITS_A_BOOT } from '../test/discovery/service-forest.ts';
import { BURSTS } from '../test/lifecycle/watch/random-losses.ts';
import { REGISTRIES_A_RUN } from '../test/registry/odd/scenario.ts';

const [, , time = '10m', units = '20000', registries = '5000', removals = '720'] = process.argv;
const until = Date.now() + milliseconds(time);
const RUNS = 10;
const SIDE_BY_SIDE = 2;

/** A test that runs until it has compared so many things. */
interface Counted {
  readonly file: string;
  readonly things: string;
  /** How many things one run compares in `make test`. */
  readonly count: number;
  /** How many times longer a run is here: it has to end within the limits of scripts/run-tests on a busy machine. */
  readonly factor: number;
  readonly wanted: number;
}

/** The engines of the test of `berth watch`. */
const WATCHED = 4;

const COUNTED: readonly Counted[] = [
  {
    file: 'test/registry/odd/odd-registries.peer.test.ts',
    things: 'odd registries',
    count: REGISTRIES_A_RUN,
    factor: 10,
    wanted: Number(registries),
  },
  {
    file: 'test/discovery/loaded-services.peer.test.ts',
    things: 'units',
    count: UNITS_A_BOOT,
    factor: 4,
    wanted: Number(units),
  },
  {
    file: 'test/lifecycle/watch/random.peer.test.ts',
    things: 'removals',
    count: BURSTS * WATCHED,
    factor: 6,
    wanted: Number(removals),
  },
];
/** Seeds that fast-check takes are 32 bits; each round uses the next. */
let seed = Number(process.env['BERTH_SEED'] ?? Math.trunc(Math.random() * 0x7fff0000));
let done = 0;
let failed = false;

process.chdir(resolve(import.meta.dirname, '..'));
const files = searching().filter((file) => COUNTED.every((counted) => counted.file !== file));
console.log(`soak: ${files.length} files, for ${time}, from BERTH_SEED=${seed} on`);
while (!isOver()) {
  await round(seed++);
}
console.log(`soak: ${done} times a file, ${failed ? 'with a failure' : 'no failure'}`);
for (const counted of COUNTED) {
  if (!failed) await searchCounted(counted);
}
process.exitCode = failed ? 1 : 0;

/** Every file once, in another order each time so that a short soak reaches all of them in the end. */
async function round(its: number): Promise<void> {
  const waiting = files.toSorted((a, b) => order(a, its) - order(b, its));
  await sideBySide(waiting, isOver, (file) => search(file, its, RUNS, { BERTH_UNTIL: `${until}` }));
}

/** Runs one test with ever other seeds until it has compared as many things as are wanted. */
async function searchCounted({ file, things, count, factor, wanted }: Counted): Promise<void> {
  const began = Date.now();
  const first = seed;
  const times = Math.ceil(wanted / (count * factor));
  seed += times;
  console.log(`soak: ${times * factor} × ${count} ${things}, from BERTH_SEED=${first} on`);
  const seeds = Array.from({ length: times }, (_, i) => first + times - 1 - i);
  let compared = 0;
  await sideBySide(
    seeds,
    () => failed,
    async (its) => {
      await search(file, its, factor, {});
      if (failed) return;
      compared += count * factor;
      const minutes = ((Date.now() - began) / 60_000).toFixed(1);
      console.log(`soak: ${compared} ${things} in ${minutes} minutes, no failure`);
    },
  );
}

/** Takes what waits, the last first, so many at a time. */
async function sideBySide<T>(
  waiting: T[],
  isEnough: () => boolean,
  run: (one: T) => Promise<void>,
): Promise<void> {
  const worker = async () => {
    for (let one = waiting.pop(); one !== undefined && !isEnough(); one = waiting.pop()) {
      await run(one);
    }
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, worker));
}

async function search(
  file: string,
  its: number,
  runs: number,
  more: NodeJS.ProcessEnv,
): Promise<void> {
  const env = { BERTH_SEED: `${its}`, BERTH_RUNS: `${runs}` };
  const child = spawn(join('scripts', 'run-tests'), [file], {
    env: { ...process.env, ...env, ...more },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  const [code] = (await once(child, 'close')) as [number | null];
  done++;
  if (code === 0) return;
  failed = true;
  console.log(said);
  console.log(`again: BERTH_SEED=${its} BERTH_RUNS=${runs} scripts/run-tests ${file}`);
}

/** The test files that search, by themselves or by a module beside them. */
function searching(): readonly string[] {
  const all = readdirSync('test', { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('.ts'),
  );
  const uses = (path: string, module: string) =>
    readFileSync(join('test', path), 'utf8').includes(`/${module}'`);
  const helpers = all.filter((path) => !path.endsWith('.test.ts') && uses(path, 'property.ts'));
  const modules = ['property.ts', ...helpers.map((path) => path.replace(/^.*\//, ''))];
  return all
    .filter((path) => path.endsWith('.test.ts') && modules.some((name) => uses(path, name)))
    .map((path) => join('test', path))
    .sort();
}

function isOver(): boolean {
  return failed || Date.now() >= until;
}

/** The same for the same file and seed, else as if by chance (FNV-1a). */
function order(file: string, its: number): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(`${its} ${file}`)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

function milliseconds(text: string): number {
  const [, count, unit = 's'] = /^(\d+)([smh])?$/.exec(text) ?? [];
  const seconds = { s: 1, m: 60, h: 3600 }[unit];
  if (count === undefined || seconds === undefined) {
    console.error(`soak: expected a time like 90s, 30m or 2h, found ${text}`);
    process.exit(2);
  }
  return Number(count) * seconds * 1000;
}
