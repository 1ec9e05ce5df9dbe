// Searches with ever other seeds until the time is over or a test fails: `soak.ts 30m`. It runs the
// tests that search (test/support/property.ts), two files at a time, each for longer than `make test`.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const [, , time = '10m'] = process.argv;
const until = Date.now() + milliseconds(time);
const RUNS = 10;
const SIDE_BY_SIDE = 2;
/** Seeds that fast-check takes are 32 bits; each round uses the next. */
let seed = Number(process.env['BERTH_SEED'] ?? Math.trunc(Math.random() * 0x7fff0000));
let done = 0;
let failed = false;

process.chdir(resolve(import.meta.dirname, '..'));
const files = searching();
console.log(`soak: ${files.length} files, for ${time}, from BERTH_SEED=${seed} on`);
while (!isOver()) {
  await round(seed++);
}
console.log(`soak: ${done} times a file, ${failed ? 'with a failure' : 'no failure'}`);
process.exitCode = failed ? 1 : 0;

/** Every file once, in another order each time so that a short soak reaches all of them in the end. */
async function round(its: number): Promise<void> {
  const waiting = files.toSorted((a, b) => order(a, its) - order(b, its));
  const worker = async () => {
    for (let file = waiting.pop(); file !== undefined && !isOver(); file = waiting.pop()) {
      await search(file, its);
    }
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, worker));
}

async function search(file: string, its: number): Promise<void> {
  const env = { BERTH_SEED: `${its}`, BERTH_RUNS: `${RUNS}` };
  const child = spawn(join('scripts', 'run-tests'), [file], {
    env: { ...process.env, ...env, BERTH_UNTIL: `${until}` },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  const [code] = (await once(child, 'close')) as [number | null];
  done++;
  if (code === 0) return;
  failed = true;
  console.log(said);
  console.log(`again: BERTH_SEED=${its} BERTH_RUNS=${RUNS} scripts/run-tests ${file}`);
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
