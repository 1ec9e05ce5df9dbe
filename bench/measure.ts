import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** bin/berth, as users run it. */
export const berth = resolve(import.meta.dirname, '../bin/berth');

export interface Command {
  readonly program: string;
  readonly words: readonly string[];
  readonly environment?: NodeJS.ProcessEnv;
}

/** A row of the table: what berth took against what its peer, or the limit, took. */
export interface Row {
  readonly work: string;
  readonly against: string;
  readonly berth: string;
  readonly peer: string;
  readonly ratio: number;
  /** The ratio to reach: at most this. */
  readonly limit: number;
  readonly remark?: string;
}

/** Runs a command to its end with its output discarded. @returns seconds. */
export async function timed(command: Command, expected = 0): Promise<number> {
  const begun = performance.now();
  await run(command, expected);
  return (performance.now() - begun) / 1000;
}

/** @throws {Error} with what the command wrote to standard error, if it did not answer `expected`. */
export async function run(command: Command, expected = 0): Promise<void> {
  const child = spawn(command.program, [...command.words], {
    env: { ...process.env, ...command.environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text.slice(0, 4000)));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code === expected) return;
  const line = [command.program, ...command.words].join(' ');
  throw new Error(`${line}: answered ${code}, expected ${expected}\n${errors}`);
}

/** What the children of a piece of work take of the processors, in seconds; they have ended then. */
export function processorTime(work: () => Promise<unknown>): () => Promise<number> {
  return async () => {
    const before = ofChildren();
    await work();
    return ofChildren() - before;
  };
}

/** In seconds, of the children that have ended, in user space and in the kernel: proc_pid_stat(5). */
function ofChildren(): number {
  const fields = readFileSync('/proc/self/stat', 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  const TICKS_A_SECOND = 100;
  return (Number(fields[13]) + Number(fields[14])) / TICKS_A_SECOND;
}

/** Medians of two ways to do the same. */
export async function compare(
  runs: number,
  ours: () => Promise<number>,
  theirs: () => Promise<number>,
): Promise<{ ours: number; theirs: number }> {
  const [first = Number.NaN, second = Number.NaN] = await inTurns(runs, [ours, theirs]);
  return { ours: first, theirs: second };
}

/**
 * Medians of several ways to do the same, taken in turns, so that what disturbs the machine
 * disturbs all.
 *
 * @param uncounted runs of each before.
 */
export async function inTurns(
  runs: number,
  ways: readonly (() => Promise<number>)[],
  uncounted = 1,
): Promise<number[]> {
  const samples: number[][] = ways.map(() => []);
  for (let i = -uncounted; i < runs; i++) {
    for (const [j, way] of ways.entries()) {
      const taken = await way();
      if (i >= 0) samples[j]?.push(taken);
    }
  }
  return samples.map(median);
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** Peak resident memory of one run of berth, in bytes. */
export function peakMemory(command: Omit<Command, 'program'>): Promise<number> {
  return told(command, 'peak-memory.cjs', 'BERTH_BENCH_PEAK');
}

/** The processor time of one run of berth, in seconds, without that of the programs that it starts. */
export async function cpuTime(command: Omit<Command, 'program'>): Promise<number> {
  return (await told(command, 'cpu-time.cjs', 'BERTH_BENCH_CPU')) / 1e6;
}

/**
 * A figure of one run of berth, as its own process tells it at its end.
 *
 * @param variable names the file to which the hook writes the figure.
 */
async function told(
  command: Omit<Command, 'program'>,
  hookName: string,
  variable: string,
): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'berth-bench-'));
  try {
    const file = join(directory, 'figure');
    const hook = resolve(import.meta.dirname, hookName);
    const program = resolve(import.meta.dirname, '../dist/berth.cjs');
    await run({
      // bin/berth hands no NODE_OPTIONS on.
      program: process.execPath,
      words: ['--require', hook, program, ...command.words],
      environment: { ...command.environment, [variable]: file },
    });
    return Number(readFileSync(file, 'utf8'));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

export function seconds(value: number): string {
  return value < 1 ? `${Math.round(value * 1000)} ms` : `${value.toFixed(2)} s`;
}

export function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}
