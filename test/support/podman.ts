import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, watch, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { array, looseObject, parse, string } from 'valibot';
import { clearAway } from './clear-away.ts';
import { answers, childOf, type Ran, run } from './service.ts';

const SOCKET = 'podman.sock';

export interface TestPodmanOptions {
  /** Before `podman`: a command that runs it elsewhere, as `nsenter … --`, and keeps its environment. */
  readonly enter?: readonly string[];
  /** More options of podman itself. */
  readonly words?: readonly string[];
  /** `127.0.0.1:PORT` of registries that speak plain HTTP. */
  readonly insecure?: readonly string[];
  /** Goes before what podman is given otherwise. */
  readonly environment?: NodeJS.ProcessEnv;
}

/** A podman with a store of its own: a service, and the program on the same store. */
export interface TestPodman {
  readonly socket: string;
  /** To open an engine with: what the service is given, and `CONTAINER_HOST`. */
  readonly environment: NodeJS.ProcessEnv;
  readonly directory: string;
  /** For an engine to seal its pins with; it is not there yet. */
  readonly pinKey: string;
  /** Runs the program and returns what it prints; it fails for another exit code than 0. */
  readonly podman: (...words: string[]) => Promise<string>;
  readonly tryPodman: (...words: string[]) => Promise<Ran>;
  /** Begins to run the program; the signal kills it. */
  readonly begin: (words: readonly string[], signal: AbortSignal) => Promise<Ran>;
  /** Ends the service if it runs, does something, for instance to its database, and starts it. */
  readonly restart: (between?: () => void) => Promise<void>;
  readonly stop: () => Promise<void>;
  /** Ends the service at once, by SIGKILL. */
  readonly kill: () => Promise<void>;
}

export interface PodmanService {
  readonly kill: () => Promise<void>;
  readonly socket: string;
  /** Ends it and what it has mounted: the directory can be removed then. */
  readonly stop: () => Promise<void>;
}

/** Why tests with podman don't run; without this wish a missing podman fails them. */
export const skipPodman: string | false =
  process.env['BERTH_SKIP_PEERS'] === '1' ? 'BERTH_SKIP_PEERS=1' : false;

/** Starts a podman of the test's own; all of it is gone when the test ends, however it ends. */
export async function startPodman(
  t: TestContext,
  options: TestPodmanOptions = {},
): Promise<TestPodman> {
  const directory = mkdtempSync(join(tmpdir(), 'berth-test-podman-'));
  const podman = preparePodman(directory, options);
  t.after(async () => {
    await podman.stop();
    await clearAway(directory);
  });
  await podman.restart();
  return podman;
}

/** A podman in a directory that is there; `restart` starts it. */
export function preparePodman(
  directory: string,
  { enter = [], insecure = [], environment: given = {}, words: more = [] }: TestPodmanOptions = {},
): TestPodman {
  const environment = { ...isolated(directory, insecure), ...given };
  let service: PodmanService | undefined;
  const begin = (words: readonly string[], signal?: AbortSignal) =>
    run([...enter, 'podman', ...storeOptions(directory), ...more, ...words], environment, signal);
  const tryPodman = (...words: string[]) => begin(words);
  return {
    socket: join(directory, SOCKET),
    directory,
    pinKey: join(directory, 'pins.key'),
    environment: { ...environment, CONTAINER_HOST: `unix://${join(directory, SOCKET)}` },
    tryPodman,
    begin,
    podman: async (...words) => {
      const { code, stdout, stderr } = await tryPodman(...words);
      if (code !== 0) throw new Error(`podman ${words.join(' ')} exited with ${code}: ${stderr}`);
      return stdout.trim();
    },
    restart: async (between) => {
      await service?.stop();
      between?.();
      service = await startPodmanService(directory, environment, more, enter);
    },
    stop: async () => service?.stop(),
    kill: async () => service?.kill(),
  };
}

/** Writes what podman needs into a directory, and makes it find nothing of this machine's own. */
export function isolated(directory: string, insecure: readonly string[]): NodeJS.ProcessEnv {
  const config = join(directory, 'home/.config/containers');
  mkdirSync(config, { recursive: true });
  const policy = '{"default":[{"type":"insecureAcceptAnything"}]}';
  writeFileSync(join(config, 'policy.json'), policy);
  const registries = insecure.map(
    (host) => `[[registry]]\nlocation = "${host}"\ninsecure = true\n`,
  );
  writeFileSync(join(directory, 'registries.conf'), registries.join(''));
  // By default every podman of a machine takes its locks from one pool in /dev/shm, and a store that
  // is thrown away never gives them back.
  writeFileSync(join(directory, 'containers.conf'), '[engine]\nlock_type = "file"\n');
  return {
    PATH: process.env['PATH'],
    HOME: join(directory, 'home'),
    TMPDIR: directory,
    CONTAINERS_CONF: join(directory, 'containers.conf'),
    CONTAINERS_REGISTRIES_CONF: join(directory, 'registries.conf'),
  };
}

/** Starts `podman system service` on a store in a directory of its own, made if need be. */
export async function startPodmanService(
  directory: string,
  environment: NodeJS.ProcessEnv,
  more: readonly string[] = [],
  enter: readonly string[] = [],
): Promise<PodmanService> {
  mkdirSync(join(directory, 'networks'), { recursive: true });
  const socket = join(directory, SOCKET);
  rmSync(socket, { force: true });
  const [program = 'podman', ...words]: readonly string[] = [
    ...enter,
    'podman',
    ...storeOptions(directory),
    ...more,
    'system',
    'service',
    '--time=0',
    `unix://${socket}`,
  ];
  const child = spawn(program, words, { env: environment, stdio: ['ignore', 'ignore', 'pipe'] });
  const isElsewhere = enter.length > 0;
  const stop = async () => {
    await end(child, 'SIGTERM', isElsewhere);
    // podman mounts this directory on itself, and the next one would do so once more.
    await run(['umount', '--quiet', '--lazy', join(directory, 'root/overlay')], environment);
  };
  try {
    await listening(child, socket);
  } catch (error) {
    await stop();
    throw error;
  }
  return { socket, stop, kill: () => end(child, 'SIGKILL', isElsewhere) };
}

/** The options by which the program works on the store of a directory. */
function storeOptions(directory: string): readonly string[] {
  const paths = { root: 'root', runroot: 'run', tmpdir: 'tmp', 'network-config-dir': 'networks' };
  return Object.entries(paths).map(([name, place]) => `--${name}=${join(directory, place)}`);
}

/** Waits until the service answers; its own words explain it when it ends instead. */
async function listening(service: ChildProcess, socket: string): Promise<void> {
  let words = '';
  service.stderr?.setEncoding('utf8').on('data', (text: string) => (words += text));
  const ended = Promise.withResolvers<never>();
  const fail = (reason: string) =>
    ended.reject(new Error(`podman does not start (is it installed?): ${reason} ${words}`));
  service.once('error', (error) => fail(error.message)).once('close', () => fail('it ended:'));
  const appeared = Promise.withResolvers<void>();
  const look = () => {
    if (existsSync(socket)) appeared.resolve();
  };
  const watcher = watch(dirname(socket), look);
  try {
    look();
    await Promise.race([appeared.promise, ended.promise]);
    // It is there a moment before it is listened to.
    while (!(await Promise.race([answers(socket), ended.promise]))) await setImmediate();
  } finally {
    watcher.close();
  }
}

/** @param isElsewhere whether the service is the one child of the process that was started. */
async function end(
  service: ChildProcess,
  signal: NodeJS.Signals,
  isElsewhere: boolean,
): Promise<void> {
  if (service.exitCode !== null || service.signalCode !== null || service.pid === undefined) return;
  const exited = once(service, 'exit');
  const target = isElsewhere ? childOf(service.pid) : service.pid;
  if (target !== undefined) process.kill(target, signal);
  await exited;
}

/**
 * podman's `images.json` with one of its images as a killed pull leaves it: on the list, without a
 * manifest.
 */
export function withTorn(list: string, id: string): string {
  const all = parse(array(looseObject({ id: string() })), JSON.parse(list));
  const isKept = ([key]: [string, unknown]) => !key.startsWith('big-data');
  const cut = all.map((image) =>
    image.id === id ? Object.fromEntries(Object.entries(image).filter(isKept)) : image,
  );
  return JSON.stringify(cut);
}
