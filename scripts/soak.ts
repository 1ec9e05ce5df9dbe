// Searches with ever other seeds until the time is over or a test fails: `soak.ts 30m 20000`. It runs the
// tests that search (test/support/property.ts), two files at a time, each for longer than `make test`.
// Then the test that boots a forest of units runs until it has compared that many units.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { UNITS_A_BOOT } from '../test/discovery/service-forest.ts';

const [, , time = '10m', units = '20000'] = process.argv;
const until = Date.now() + milliseconds(time);
const RUNS = 10;
const SIDE_BY_SIDE = 2;
const FOREST = 'test/discovery/loaded-services.peer.test.ts';
/** A run of the forest's test has to end within two hours, on a busy machine too (scripts/run-tests). */
const BOOTS_A_RUN = 4;
/** Seeds that fast-check takes are 32 bits; each round uses the next. */
let seed = Number(process.env['BERTH_SEED'] ?? Math.trunc(Math.random() * 0x7fff0000));
let done = 0;
let failed = false;

process.chdir(resolve(import.meta.dirname, '..'));
const files = searching().filter((file) => file !== FOREST);
console.log(`soak: ${files.length} files, for ${time}, from BERTH_SEED=${seed} on`);
while (!isOver()) {
  await round(seed++);
}
console.log(`soak: ${done} times a file, ${failed ? 'with a failure' : 'no failure'}`);
if (!failed) await searchForest(Math.ceil(Number(units) / (UNITS_A_BOOT * BOOTS_A_RUN)));
process.exitCode = failed ? 1 : 0;

/** Every file once, in another order each time so that a short soak reaches all of them in the end. */
async function round(its: number): Promise<void> {
  const waiting = files.toSorted((a, b) => order(a, its) - order(b, its));
  await sideBySide(waiting, isOver, (file) => search(file, its, RUNS, { BERTH_UNTIL: `${until}` }));
}

/** Boots forests of ever other seeds. */
async function searchForest(times: number): Promise<void> {
  const began = Date.now();
  const first = seed;
  console.log(
    `soak: ${times * BOOTS_A_RUN} boots of ${UNITS_A_BOOT} units, from BERTH_SEED=${first} on`,
  );
  const seeds = Array.from({ length: times }, (_, i) => first + times - 1 - i);
  let boots = 0;
  await sideBySide(
    seeds,
    () => failed,
    async (its) => {
      await search(FOREST, its, BOOTS_A_RUN, {});
      if (failed) return;
      boots += BOOTS_A_RUN;
      const minutes = ((Date.now() - began) / 60_000).toFixed(1);
      console.log(`soak: ${boots * UNITS_A_BOOT} units in ${minutes} minutes, no failure`);
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
