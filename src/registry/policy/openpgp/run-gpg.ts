import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import type { GpgCommand } from '../files.ts';

/** What gpg wrote. */
export interface GpgRan {
  readonly code: number | null;
  /** What it says of its work, on a descriptor that nothing else writes to. */
  readonly status: string;
  readonly output: Buffer;
}

/** Why gpg did not run to its end. The cause may have passed when gpg is run again. */
export interface GpgDown {
  readonly down: string;
}

const TIMEOUT_MS = 30_000;

/** In bytes: a signed text has a few hundred, and keys come with a few lines of status each. */
const MAX_OUTPUT = 1024 * 1024;

const OPTIONS = [
  '--batch',
  '--no-tty',
  '--no-autostart',
  '--disable-dirmngr',
  '--no-auto-key-retrieve',
  '--no-auto-check-trustdb',
  '--trust-model',
  'always',
  '--max-output',
  String(MAX_OUTPUT),
  '--status-fd',
  '3',
];

/**
 * Runs gpg with a directory of its own, without an agent and without a network.
 *
 * @param input is given on standard input.
 * @returns a string if gpg wrote more than is read.
 */
export function runGpg(
  [program, ...before]: GpgCommand,
  home: string,
  words: readonly string[],
  input: Buffer,
  signal: AbortSignal | undefined,
): Promise<GpgRan | GpgDown | string> {
  const child = spawn(program, [...before, ...OPTIONS, '--homedir', home, ...words], {
    env: { LC_ALL: 'C' },
    stdio: ['pipe', 'pipe', 'ignore', 'pipe'],
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
    ...(signal === undefined ? {} : { signal }),
  });
  // If gpg ends without reading, its exit code is enough.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(input);
  return ended(child, before.at(-1) ?? program, signal);
}

function ended(
  child: ChildProcess,
  program: string,
  signal: AbortSignal | undefined,
): Promise<GpgRan | GpgDown | string> {
  const { promise, resolve, reject } = Promise.withResolvers<GpgRan | GpgDown | string>();
  const output = new Bounded(child, child.stdout);
  const status = new Bounded(child, child.stdio[3]);
  child.on('error', (error) => {
    if (signal?.aborted === true) reject(signal.reason);
    else resolve({ down: `${program} could not be run (${error.message})` });
  });
  child.on('exit', (_, killed) => {
    if (killed !== null) stop(child);
  });
  child.on('close', (code, killed) => {
    if (output.isTooLong || status.isTooLong) resolve(`${program} wrote too much`);
    else if (child.killed || killed !== null) resolve({ down: `${program} did not end` });
    else resolve({ code, status: status.bytes.toString('utf8'), output: output.bytes });
  });
  return promise;
}

/** Ends the program. Another that it has started may hold the pipes open, so these are closed here. */
function stop(child: ChildProcess): void {
  child.kill('SIGKILL');
  for (const stream of child.stdio) stream?.destroy();
}

/** What comes from one pipe of a program, which is ended when there is too much. */
class Bounded {
  readonly #chunks: Buffer[] = [];
  #length = 0;

  constructor(child: ChildProcess, stream: Readable | Writable | null | undefined) {
    stream?.on('error', () => stop(child));
    stream?.on('data', (chunk: Buffer) => {
      this.#length += chunk.length;
      if (this.isTooLong) stop(child);
      else this.#chunks.push(chunk);
    });
  }

  get isTooLong(): boolean {
    return this.#length > MAX_OUTPUT;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}
