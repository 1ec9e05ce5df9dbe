import { spawn } from 'node:child_process';

/** In milliseconds. A directory service that is away takes seconds to say so. */
const TIMEOUT = 30_000;

/** In bytes. */
const MAX_OUTPUT = 64 * 1024;

export interface Ran {
  /** Undefined if the program does not exist, was ended by a signal, or took too long. */
  readonly code: number | undefined;
  readonly stdout: string;
}

export interface RunOptions {
  /** The largest output, in bytes; a program that says more is ended. */
  readonly most?: number;
  /** The caller's, if undefined. */
  readonly environment?: NodeJS.ProcessEnv;
}

/** Runs a program without a shell, bounded in time and output. */
export async function run(
  [program = '', ...words]: readonly string[],
  { most = MAX_OUTPUT, environment }: RunOptions = {},
): Promise<Ran> {
  const child = spawn(program, words, {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: environment,
    cwd: '/',
    // Its own process group, so that whatever it starts can be ended with it.
    detached: true,
  });
  const { promise: code, resolve } = Promise.withResolvers<number | undefined>();
  const end = () => {
    child.stdout.destroy();
    resolve(undefined);
    killGroup(child.pid);
  };
  const timer = setTimeout(end, TIMEOUT);
  const chunks: Buffer[] = [];
  let bytes = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > most) end();
    else chunks.push(chunk);
  });
  child.once('error', () => resolve(undefined));
  child.once('close', (status) => resolve(status ?? undefined));
  const status = await code;
  clearTimeout(timer);
  return { code: status, stdout: Buffer.concat(chunks).toString() };
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // The group has just ended.
  }
}
