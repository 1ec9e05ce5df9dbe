import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Suite } from './debian-root.ts';
import { answers, childOf, type Ran, run } from './service.ts';
import { temporaryDirectory } from './temporary.ts';

const scripts = resolve(import.meta.dirname, '../../scripts');

/** Where docker keeps its images: in its own store, or in that of containerd. */
export type ImageStore = 'overlay2' | 'containerd';

export interface TestDockerOptions {
  readonly suite: Suite;
  readonly store?: ImageStore;
  /** More of its daemon.json. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** A dockerd of a Debian release, with a store of its own, in namespaces of its own. */
export interface TestDocker {
  readonly socket: string;
  readonly directory: string;
  /** To open an engine with. */
  readonly environment: NodeJS.ProcessEnv;
  /** For an engine to seal its pins with; it is not there yet. */
  readonly pinKey: string;
  /** Runs the program of the same release and returns what it prints; it fails for another exit code than 0. */
  readonly docker: (...words: string[]) => Promise<string>;
  readonly tryDocker: (...words: string[]) => Promise<Ran>;
  /** Ends dockerd if it runs, does something, and starts it. */
  readonly restart: (between?: () => void) => Promise<void>;
  readonly stop: () => Promise<void>;
  /** Ends dockerd and its containerd at once, by SIGKILL. */
  readonly kill: () => Promise<void>;
}

/** Why tests with docker don't run. */
export const skipDocker: string | false =
  process.env['BERTH_SKIP_PEERS'] === '1'
    ? 'BERTH_SKIP_PEERS=1'
    : process.geteuid?.() === 0
      ? false
      : 'only root can start dockerd';

/** Starts a dockerd of the test's own; all of it is gone when the test ends, however it ends. */
export async function startDocker(t: TestContext, options: TestDockerOptions): Promise<TestDocker> {
  const docker = prepareDocker(temporaryDirectory(t), options);
  t.after(() => docker.kill());
  await docker.restart();
  return docker;
}

/** A dockerd in a directory that is there; `restart` starts it. */
export function prepareDocker(
  directory: string,
  { suite, store = 'overlay2', settings = {} }: TestDockerOptions,
): TestDocker {
  const socket = join(directory, 'docker.sock');
  const environment: NodeJS.ProcessEnv = {
    PATH: process.env['PATH'],
    HOME: join(directory, 'home'),
    TMPDIR: directory,
    DOCKER_HOST: `unix://${socket}`,
  };
  mkdirSync(join(directory, 'home'), { recursive: true });
  const features = store === 'containerd' ? { features: { 'containerd-snapshotter': true } } : {};
  const configuration = join(directory, 'daemon.json');
  writeFileSync(configuration, JSON.stringify({ ...features, ...settings }));
  const words = [
    'dockerd',
    '--bridge=none',
    '--iptables=false',
    '--ip6tables=false',
    '--userland-proxy=false',
    `--config-file=${configuration}`,
    `--host=unix://${socket}`,
    `--data-root=${join(directory, 'data')}`,
    `--exec-root=${join(directory, 'exec')}`,
    `--pidfile=${join(directory, 'docker.pid')}`,
    // The other stores of images don't make the driver a matter of the machine's file system.
    ...(store === 'overlay2' ? ['--storage-driver=overlay2'] : []),
  ];
  let service: ChildProcess | undefined;
  const stop = async (signal: NodeJS.Signals) => {
    if (service !== undefined) await end(service, signal);
    service = undefined;
  };
  const client = join(
    unpacked(suite, suite === 'bookworm' ? 'docker.io' : 'docker-cli'),
    'usr/bin',
  );
  const tryDocker = (...line: string[]) => run([join(client, 'docker'), ...line], environment);
  return {
    socket,
    directory,
    environment,
    pinKey: join(directory, 'pins.key'),
    tryDocker,
    docker: async (...line) => {
      const { code, stdout, stderr } = await tryDocker(...line);
      if (code !== 0) throw new Error(`docker ${line.join(' ')} exited with ${code}: ${stderr}`);
      return stdout.trim();
    },
    restart: async (between) => {
      await stop('SIGTERM');
      between?.();
      service = await start(directory, socket, words, pathOf(suite));
    },
    stop: () => stop('SIGTERM'),
    kill: () => stop('SIGKILL'),
  };
}

/** bookworm's runc is the newest that works with this machine's libc. No pin is ever started. */
function pathOf(suite: Suite): string {
  return [
    join(unpacked(suite, 'docker.io'), 'usr/sbin'),
    join(unpacked(suite, 'containerd'), 'usr/bin'),
    join(unpacked('bookworm', 'runc'), 'usr/sbin'),
    process.env['PATH'],
  ].join(':');
}

function unpacked(suite: Suite, name: string): string {
  const words = [suite, name];
  return execFileSync(join(scripts, 'debian-package.sh'), words, { encoding: 'utf8' }).trim();
}

const NAMESPACES = [
  '--mount',
  '--propagation',
  'private',
  '--pid',
  '--fork',
  '--kill-child',
  '--mount-proc',
] as const;

/** What dockerd mounts goes with its namespace. The sockets of the machine's own programs are hidden from it. */
const ALONE = 'mount -t tmpfs tmpfs /run; exec "$@"';

async function start(
  directory: string,
  socket: string,
  words: readonly string[],
  path: string,
): Promise<ChildProcess> {
  rmSync(socket, { force: true });
  rmSync(join(directory, 'docker.pid'), { force: true });
  // A killed dockerd leaves the pid of its containerd, which is another process's by now.
  rmSync(join(directory, 'exec'), { recursive: true, force: true });
  const log = openSync(join(directory, 'dockerd.log'), 'a');
  const child = spawn('unshare', [...NAMESPACES, 'sh', '-ec', ALONE, 'sh', ...words], {
    env: { PATH: path, HOME: join(directory, 'home') },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  try {
    await listening(child, directory, socket);
  } catch (error) {
    await end(child, 'SIGKILL');
    throw error;
  }
  return child;
}

/** Waits until dockerd answers; its own words explain it when it ends instead. */
async function listening(child: ChildProcess, directory: string, socket: string): Promise<void> {
  const ended = Promise.withResolvers<never>();
  const fail = () => {
    const words = readFileSync(join(directory, 'dockerd.log'), 'utf8').slice(-2000);
    ended.reject(new Error(`dockerd does not start: ${words}`));
  };
  child.once('exit', fail);
  const appeared = Promise.withResolvers<void>();
  const look = () => {
    if (existsSync(socket)) appeared.resolve();
  };
  const watcher = watch(directory, look);
  try {
    look();
    await Promise.race([appeared.promise, ended.promise]);
    while (!(await Promise.race([answers(socket), ended.promise]))) await delay(10);
  } finally {
    watcher.close();
    child.off('exit', fail);
  }
}

/** @param signal for dockerd, the first process of its namespace: nothing in it outlives dockerd. */
async function end(service: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (service.exitCode !== null || service.signalCode !== null || service.pid === undefined) return;
  const exited = once(service, 'exit');
  const target = childOf(service.pid);
  if (target === undefined) service.kill('SIGKILL');
  else process.kill(target, signal);
  await exited;
}
