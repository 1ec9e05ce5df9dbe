import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, rmSync, watch } from 'node:fs';
import { getPriority, setPriority, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { systemErrorCode } from '../../../common/errors.ts';
import { EngineError } from '../../errors.ts';
import { PodmanApi } from './api.ts';
import { runtimeDirectory } from './locate.ts';

/** A podman service of berth's own. */
export interface Service {
  readonly socket: string;
  /** The version of the podman that answers. */
  readonly version: string;
  close(): Promise<void>;
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

/**
 * The shell script that keeps the service. It starts the service when a line arrives on standard input.
 * When standard input ends, it ends the service and removes its directory, so that nothing is left by
 * whatever signal berth dies. When a unit is stopped, systemd sends SIGTERM to this shell too, which then
 * takes the same way out.
 */
const KEEPER = `
trap : TERM
directory=$1
shift
read -r start || { rm -rf -- "$directory"; exit; }
"$@" </dev/null &
exec 2>/dev/null
read -r end
kill $!
wait $!
code=$?
rm -rf -- "$directory"
exit $code`;

/** The exit code of sh if a program does not exist. */
const NOT_FOUND = 127;

/** In bytes: the last part of the service's standard error, kept to explain a failure. */
const MAX_STDERR = 4096;

export interface ServiceOptions {
  /** podman's command line, up to its command. */
  readonly podman?: readonly string[] | undefined;
  /** Whether the machine waits for berth. If not, running services take precedence. */
  readonly isUrgent?: boolean;
}

/**
 * Niceness. The kernel also derives the priority of reads and writes from it, unless an I/O priority is
 * set.
 */
const IN_THE_BACKGROUND = 10;

/**
 * Starts `podman system service` on a socket in a private directory, for this process alone.
 *
 * @throws {EngineError} `engine-unreachable`, with podman's own error output if there is any.
 */
export async function startService(
  user: boolean,
  environment: NodeJS.ProcessEnv,
  { podman = ['podman'], isUrgent = false }: ServiceOptions = {},
): Promise<Service> {
  const directory = privateDirectory(user, environment);
  const removeDirectory = () => rmSync(directory, { recursive: true, force: true });
  try {
    const service = await start(directory, user, environment, podman, isUrgent);
    return {
      ...service,
      close: async () => {
        await service.close();
        removeDirectory();
      },
    };
  } catch (error) {
    removeDirectory();
    throw error;
  }
}

async function start(
  directory: string,
  user: boolean,
  environment: NodeJS.ProcessEnv,
  podman: readonly string[],
  isUrgent: boolean,
): Promise<Service> {
  const socket = join(directory, 'podman.sock');
  const appeared = Promise.withResolvers<void>();
  const watcher = watch(directory, () => {
    if (existsSync(socket)) appeared.resolve();
  });
  const child = spawnKeeper(directory, socket, user, environment, podman);
  if (!isUrgent && child.pid !== undefined) lowerPriority(child.pid);
  const words = collectWords(child);
  const api = new PodmanApi(socket);
  let version: string;
  try {
    await Promise.race([appeared.promise, gone(child, words), tooLate(words)]);
    version = await answering(api);
  } catch (error) {
    api.close();
    await end(child);
    throw error;
  } finally {
    watcher.close();
  }
  child.unref();
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

/** Starts podman below a shell that ends podman when this process is gone. */
function spawnKeeper(
  directory: string,
  socket: string,
  user: boolean,
  environment: NodeJS.ProcessEnv,
  podman: readonly string[],
) {
  const command = [...podman, ...networkOptions(directory, user)];
  const words = ['system', 'service', `--time=${IDLE_SECONDS}`, `unix://${socket}`];
  const child = spawn('/bin/sh', ['-c', KEEPER, 'sh', directory, ...command, ...words], {
    stdio: ['pipe', 'ignore', 'pipe'],
    env: withoutClient(environment),
    // Ctrl-C must reach only berth: the keeper ends podman afterwards.
    detached: true,
  });
  // The end of standard error means that the service is gone; ending the keeper's input ends both.
  child.stderr.once('end', () => child.stdin.end());
  child.stdin.on('error', () => undefined).write('\n');
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

function notStarted(reason: string): EngineError {
  return new EngineError(
    'engine-unreachable',
    `podman system service could not be started: ${reason}`,
    {
      hint: 'see whether `podman info` works; `--engine store` needs no podman',
    },
  );
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
  // The pipe must not keep berth from ending.
  if (
    child.stderr !== null &&
    'unref' in child.stderr &&
    typeof child.stderr.unref === 'function'
  ) {
    child.stderr.unref();
  }
  return () => text.trim() || 'it said nothing';
}

/**
 * Makes a directory that only its owner may enter, because whoever reaches the socket acts as root, or as
 * the user.
 */
function privateDirectory(user: boolean, environment: NodeJS.ProcessEnv): string {
  const places = [user ? runtimeDirectory(environment) : '/run', tmpdir()];
  const place = places.find((path) => isWritable(path)) ?? tmpdir();
  return mkdtempSync(join(place, 'berth-podman-'));
}

/**
 * Before version 5, podman always writes a lock file into its directory of networks, and fails if /etc is
 * read-only. Pins have no network, so any other directory will do.
 */
function networkOptions(directory: string, user: boolean): readonly string[] {
  if (user) return [];
  let configured = '/etc/containers/networks';
  while (!existsSync(configured)) configured = dirname(configured);
  if (isWritable(configured)) return [];
  const own = join(directory, 'networks');
  mkdirSync(own);
  return ['--network-config-dir', own];
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** The first two variables make podman act as a client; the others describe sockets passed by systemd. */
function withoutClient(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const ours = [
    'CONTAINER_HOST',
    'CONTAINER_CONNECTION',
    'LISTEN_FDS',
    'LISTEN_PID',
    'NOTIFY_SOCKET',
  ];
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !ours.includes(name)));
}
