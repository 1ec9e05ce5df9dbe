import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { getPriority, setPriority } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { systemErrorCode } from '../../../common/errors.ts';
import { EngineError } from '../../errors.ts';
import type { ApiOptions } from '../../http/api.ts';
import { PodmanApi } from './api.ts';

/** A podman service of berth's own. */
export interface Service {
  /** The path to connect to. */
  readonly socket: string;
  /** The version of the podman that answers. */
  readonly version: string;
  close(): Promise<void>;
}

/** How to start a service below a keeper. */
export interface Launch {
  /** The command line of the keeper: `KEEPER` with the directory to remove, and podman's command line. */
  readonly command: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  /** Set if the user of the service may be unable to enter the directory in which berth was started. */
  readonly directory?: string;
  /** Whether the command line says something on standard output, for `appeared`. */
  readonly speaks?: boolean;
  /** Whether the machine waits for berth. If not, running services take precedence. */
  readonly isUrgent: boolean;
  /** Waits for the socket. Called once, as soon as the keeper is started; returns the path to connect to. */
  readonly appeared: (keeper: ChildProcess) => Promise<string>;
  /** Whose podman it is, and its limits. */
  readonly api?: ApiOptions;
}

/** In milliseconds, until the service answers: a cold podman on a slow disk takes seconds. */
const START_TIMEOUT = 30_000;

/** In milliseconds, from SIGTERM to SIGKILL. */
const STOP_TIMEOUT = 10_000;

/**
 * In seconds: the service ends by itself after so long without a request, in case its keeper was killed
 * too. While berth lives, it sends requests more often.
 */
const IDLE_SECONDS = 60;

/** podman's words for a service on this socket. */
export function serviceWords(socket: string): readonly string[] {
  return ['system', 'service', `--time=${IDLE_SECONDS}`, `unix://${socket}`];
}

/**
 * The shell script that keeps the service. It starts the service when a line arrives on standard input.
 * When standard input ends, it ends the service and removes its directory, so that nothing is left by
 * whatever signal berth dies. When a unit is stopped, systemd sends SIGTERM to this shell too, which then
 * takes the same way out; what it runs then does not hear the signal.
 *
 * The signal goes to the process group. A rootless podman 4.3.1 is two processes, of which the first ends
 * without a word to the second.
 */
export const KEEPER = `
trap : TERM
directory=$1
shift
read -r start || { rm -rf -- "$directory"; exit; }
"$@" </dev/null &
exec 2>/dev/null
read -r end
kill 0
wait $!
code=$?
trap '' TERM
rm -rf -- "$directory"
exit $code`;

/** The exit code of sh if a program does not exist. */
const NOT_FOUND = 127;

/** In bytes: the last part of the service's standard error, kept to explain a failure. */
const MAX_STDERR = 4096;

/**
 * Niceness. The kernel also derives the priority of reads and writes from it, unless an I/O priority is
 * set.
 */
const IN_THE_BACKGROUND = 10;

/**
 * Starts a service and waits until it answers. It ends with this process.
 *
 * @throws {EngineError} `engine-unreachable`, with podman's own error output if there is any.
 */
export async function keepService(launch: Launch): Promise<Service> {
  const child = spawnKeeper(launch);
  if (!launch.isUrgent && child.pid !== undefined) lowerPriority(child.pid);
  const words = collectWords(child);
  let api: PodmanApi | undefined;
  try {
    const appeared = launch.appeared(child);
    const socket = await Promise.race([appeared, gone(child, words), tooLate(words)]);
    api = new PodmanApi(socket, launch.api);
    const version = await answering(api);
    letGo(child);
    return kept(child, socket, version, api);
  } catch (error) {
    api?.close();
    await end(child);
    // A process that the service left behind may still hold them.
    child.stdout?.destroy();
    child.stderr?.destroy();
    throw error;
  }
}

function kept(child: ChildProcess, socket: string, version: string, api: PodmanApi): Service {
  const pinger = keepAwake(api);
  return {
    socket,
    version,
    close: async () => {
      clearInterval(pinger);
      api.close();
      await end(child);
    },
  };
}

function spawnKeeper({ command, environment, directory, speaks = false }: Launch) {
  const [program = '', ...words] = command;
  const child = spawn(program, words, {
    stdio: ['pipe', speaks ? 'pipe' : 'ignore', 'pipe'],
    env: environment,
    cwd: directory,
    // Ctrl-C must reach only berth: the keeper ends podman afterwards.
    detached: true,
  });
  // The end of standard error means that the service is gone; ending the keeper's input ends both.
  child.stderr?.once('end', () => child.stdin?.end());
  child.stdin?.on('error', () => undefined).write('\n');
  return child;
}

/** Sends a request often enough that the service does not end as idle. */
function keepAwake(api: PodmanApi): NodeJS.Timeout {
  const pinger = setInterval(
    () => {
      // If the service died, the next real request reports it.
      api.ping(START_TIMEOUT).catch(() => clearInterval(pinger));
    },
    (IDLE_SECONDS * 1000) / 3,
  );
  return pinger.unref();
}

/** Unpacking keeps a processor and the disk busy for minutes while services run. */
function lowerPriority(pid: number): void {
  try {
    setPriority(pid, Math.max(getPriority(), IN_THE_BACKGROUND));
  } catch (error) {
    // The service has already ended; `gone` reports that.
    if (systemErrorCode(error) === undefined) throw error;
  }
}

/** Waits for the first reply. The socket appears a moment before the service listens on it. */
async function answering(api: PodmanApi): Promise<string> {
  const deadline = AbortSignal.timeout(START_TIMEOUT);
  for (;;) {
    try {
      return await api.ping(START_TIMEOUT);
    } catch (error) {
      const cause = error instanceof Error ? error.cause : undefined;
      if (deadline.aborted || systemErrorCode(cause) !== 'ECONNREFUSED') throw error;
    }
    await delay(5);
  }
}

async function gone(child: ChildProcess, words: () => string): Promise<never> {
  const ended = Promise.withResolvers<string>();
  child.once('error', (error) => ended.resolve(error.message));
  child.once('close', (code, signal) =>
    ended.resolve(
      code === NOT_FOUND
        ? 'there is no podman on PATH'
        : `it ended with ${signal ?? code ?? '?'}: ${words()}`,
    ),
  );
  throw notStarted(await ended.promise);
}

async function tooLate(words: () => string): Promise<never> {
  await delay(START_TIMEOUT, undefined, { ref: false });
  throw notStarted(`it did not listen within ${START_TIMEOUT / 1000} s: ${words()}`);
}

export function notStarted(reason: string): EngineError {
  return new EngineError(
    'engine-unreachable',
    `podman system service could not be started: ${reason}`,
    {
      hint: 'see whether `podman info` works; `--engine store` needs no podman',
    },
  );
}

/** Neither the service nor its pipes keep berth from ending. */
function letGo(child: ChildProcess): void {
  child.unref();
  for (const pipe of [child.stdout, child.stderr]) {
    if (pipe !== null && 'unref' in pipe && typeof pipe.unref === 'function') pipe.unref();
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const { pid } = child;
  const exited = once(child, 'exit');
  child.ref();
  child.stdin?.end();
  const killer = setTimeout(() => process.kill(-pid, 'SIGKILL'), STOP_TIMEOUT);
  await exited;
  clearTimeout(killer);
}

function collectWords(child: ChildProcess): () => string {
  let text = '';
  child.stderr?.setEncoding('utf8').on('data', (more: string) => {
    text = (text + more).slice(-MAX_STDERR);
  });
  return () => text.trim() || 'it said nothing';
}
