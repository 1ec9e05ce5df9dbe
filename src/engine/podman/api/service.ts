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
 * In seconds without a request, after which the service ends by itself, if its keeper was killed as
 * well. While berth lives, it asks more often than that.
 */
const IDLE_SECONDS = 60;

/**
 * Runs the service once a line comes on standard input, and ends it, and removes its directory, when
 * standard input ends: by whatever signal berth dies, and whatever it is at, nothing of it stays. A unit
 * that is stopped sends SIGTERM to this shell too, which goes on to the same end then.
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

/** The exit code of sh for a program that is not there. */
const NOT_FOUND = 127;

/** The end of what the service says, in bytes, kept to explain a failure. */
const MAX_STDERR = 4096;

export interface ServiceOptions {
  /** Its command line, as far as its command. */
  readonly podman?: readonly string[] | undefined;
  /** Whether the machine waits for it; else what runs goes before. */
  readonly isUrgent?: boolean;
}

/** Niceness: the kernel lowers the priority of reads and writes with it, where nothing else is said. */
const IN_THE_BACKGROUND = 10;

/**
 * Starts `podman system service` on a socket in a private directory, for this process alone.
 *
 * @throws {EngineError} `engine-unreachable`, with podman's own words if it had any.
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
    // A Ctrl-C is for berth: podman ends after berth, by its keeper.
    detached: true,
  });
  // A service that is gone has closed its stderr; a keeper that is gone ends both.
  child.stderr.once('end', () => child.stdin.end());
  child.stdin.on('error', () => undefined).write('\n');
  return child;
}

/** Asks the service often enough that it does not end as idle. */
function keepAwake(api: PodmanApi): NodeJS.Timeout {
  const pinger = setInterval(
    () => {
      // A service that died says so at the next real request.
      api.ping(START_TIMEOUT).catch(() => clearInterval(pinger));
    },
    (IDLE_SECONDS * 1000) / 3,
  );
  return pinger.unref();
}

/** Unpacking keeps a processor and the disk busy for minutes, while services run. */
function lowerPriority(pid: number): void {
  try {
    setPriority(pid, Math.max(getPriority(), IN_THE_BACKGROUND));
  } catch (error) {
    // The service has ended already; `gone` reports that.
    if (systemErrorCode(error) === undefined) throw error;
  }
}

/** Between its appearance and the first answer lies the moment in which it begins to listen. */
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
  throw notStarted(`it does not listen after ${START_TIMEOUT / 1000} s: ${words()}`);
}

function notStarted(reason: string): EngineError {
  return new EngineError(
    'engine-unreachable',
    `podman system service could not be started: ${reason}`,
    {
      hint: 'see whether `podman info` works; `--engine store` does without podman',
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

/** Only its owner may enter it: who reaches the socket is root, or the user. */
function privateDirectory(user: boolean, environment: NodeJS.ProcessEnv): string {
  const places = [user ? runtimeDirectory(environment) : '/run', tmpdir()];
  const place = places.find((path) => isWritable(path)) ?? tmpdir();
  return mkdtempSync(join(place, 'berth-podman-'));
}

/**
 * podman before 5 writes a lock file into the directory of its networks whatever it does, and
 * fails where /etc is read-only. Pins have no network, so any other directory will do.
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

/** podman takes the first two for the client's, and the others for sockets handed to it. */
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
