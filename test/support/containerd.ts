import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { TestContext } from 'node:test';
import { clearAway } from './clear-away.ts';

/** The releases of Debian whose containerd runs on this machine as it lies in its package. */
export const containerdSuites = ['bookworm', 'trixie', 'forky'] as const;

export type ContainerdSuite = (typeof containerdSuites)[number];

export interface TestContainerdOptions {
  /** Whether the plugin for Kubernetes serves; it does unless this is false. */
  readonly cri?: boolean;
  /** `127.0.0.1:PORT` of registries that speak plain HTTP. */
  readonly insecure?: readonly string[];
  /** `127.0.0.1:PORT` of registries that speak TLS: containerd 1.6 expects plain HTTP on loopback. */
  readonly secure?: readonly string[];
  /** Goes beside what containerd is given otherwise. */
  readonly environment?: NodeJS.ProcessEnv;
  /** The image of the container that holds a pod. */
  readonly sandbox?: string;
}

/** A containerd with directories of its own, in a mount namespace of its own, and its ctr. */
export interface TestContainerd {
  readonly directory: string;
  readonly socket: string;
  /** As the program says it: `1.7.24~ds1`. */
  readonly version: string;
  /** Runs ctr and returns what it prints; fails for another exit code than 0. */
  readonly ctr: (...words: string[]) => Promise<string>;
  readonly tryCtr: (...words: string[]) => Promise<CtrRan>;
  /** Ends the program if it runs, does something, and starts it. */
  readonly restart: (between?: () => void) => Promise<void>;
  readonly stop: () => Promise<void>;
  /** Ends the program at once, by SIGKILL. */
  readonly kill: () => Promise<void>;
  /** What the program wrote lately. */
  readonly log: () => string;
}

export interface CtrRan {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Why tests with containerd don't run; without this wish a missing containerd fails them. */
export const skipContainerd: string | false =
  process.env['BERTH_SKIP_PEERS'] === '1' ? 'BERTH_SKIP_PEERS=1' : false;

/** Starts a containerd of the test's own; all of it is gone when the test ends, however it ends. */
export async function startContainerd(
  t: Pick<TestContext, 'after'>,
  suite: ContainerdSuite,
  options: TestContainerdOptions = {},
): Promise<TestContainerd> {
  // A path of a unix socket is at most 108 bytes long.
  const directory = mkdtempSync(join(tmpdir(), 'berth-ctrd-'));
  const containerd = prepareContainerd(directory, suite, options);
  t.after(async () => {
    await containerd.stop();
    await clearAway(directory);
  });
  await containerd.restart();
  return containerd;
}

/** A containerd in a directory that is there; `restart` starts it. */
export function prepareContainerd(
  directory: string,
  suite: ContainerdSuite,
  options: TestContainerdOptions,
): TestContainerd {
  const programs = join(packageOf(suite, 'containerd'), 'usr/bin');
  // The runc of newer releases needs a newer glibc than bookworm's; this one serves every containerd.
  const runc = join(packageOf('bookworm', 'runc'), 'usr/sbin/runc');
  const socket = join(directory, 'containerd.sock');
  const config = join(directory, 'config.toml');
  writeFileSync(config, configuration(suite, directory, runc, options));
  for (const host of options.insecure ?? []) writeHosts(directory, host, 'http');
  for (const host of options.secure ?? []) writeHosts(directory, host, 'https');
  const environment = {
    PATH: `${programs}:${dirname(runc)}:${process.env['PATH'] ?? ''}`,
    TMPDIR: directory,
    ...options.environment,
  };
  const tryCtr = (...words: string[]) =>
    run([join(programs, 'ctr'), '--address', socket, ...words], environment);
  let service: Service | undefined;
  return {
    directory,
    socket,
    version: versionOf(join(programs, 'containerd')),
    tryCtr,
    ctr: async (...words) => {
      const { code, stdout, stderr } = await tryCtr(...words);
      if (code !== 0) throw new Error(`ctr ${words.join(' ')} exited with ${code}: ${stderr}`);
      return stdout.trim();
    },
    restart: async (between) => {
      await service?.end('SIGTERM');
      between?.();
      service = await startService([join(programs, 'containerd'), '--config', config], environment);
    },
    stop: async () => service?.end('SIGTERM'),
    kill: async () => service?.end('SIGKILL'),
    log: () => service?.log() ?? '',
  };
}

function packageOf(suite: ContainerdSuite, name: string): string {
  const script = resolve(import.meta.dirname, '../../scripts/debian-package.sh');
  return execFileSync(script, [suite, name], { encoding: 'utf8' }).trim();
}

function versionOf(program: string): string {
  const said = execFileSync(program, ['--version'], { encoding: 'utf8' });
  return /\sv?(\d+\.\d+\.\d+)/.exec(said)?.[1] ?? said.trim();
}

/** Says how containerd reaches a registry: docs/hosts.md of containerd. */
function writeHosts(directory: string, host: string, scheme: 'http' | 'https'): void {
  const certificates = join(directory, 'certs.d', host);
  mkdirSync(certificates, { recursive: true });
  writeFileSync(
    join(certificates, 'hosts.toml'),
    `server = "${scheme}://${host}"\n[host."${scheme}://${host}"]\ncapabilities = ["pull", "resolve"]\n`,
  );
}

function configuration(
  suite: ContainerdSuite,
  directory: string,
  runc: string,
  { cri = true, sandbox = 'registry.example.com/pause:1' }: TestContainerdOptions,
): string {
  const text = (value: string) => JSON.stringify(value);
  const path = (name: string) => text(join(directory, name));
  const disabled = ['io.containerd.nri.v1.nri', ...(cri ? [] : ['io.containerd.grpc.v1.cri'])];
  const isNew = suite === 'forky';
  const [images, runtime] = isNew
    ? ['io.containerd.cri.v1.images', 'io.containerd.cri.v1.runtime']
    : ['io.containerd.grpc.v1.cri', 'io.containerd.grpc.v1.cri'];
  // A test may not be allowed to spare its own processes when memory is short.
  const restrict = 'restrict_oom_score_adj = true';
  const pause = isNew
    ? `[plugins."${images}".pinned_images]\nsandbox = ${text(sandbox)}\n[plugins."${runtime}"]\n${restrict}`
    : `[plugins."${images}"]\nsandbox_image = ${text(sandbox)}\n${restrict}`;
  return `version = ${isNew ? 3 : 2}
root = ${path('root')}
state = ${path('run')}
temp = ${path('tmp')}
disabled_plugins = ${JSON.stringify(disabled)}
[grpc]
address = ${path('containerd.sock')}
[plugins."io.containerd.internal.v1.opt"]
path = ${path('opt')}
${pause}
[plugins."${images}".registry]
config_path = ${path('certs.d')}
[plugins."${runtime}".cni]
conf_dir = ${path('cni')}
[plugins."${runtime}".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."${runtime}".containerd.runtimes.runc.options]
BinaryName = ${text(runc)}
`;
}

interface Service {
  readonly end: (signal: NodeJS.Signals) => Promise<void>;
  readonly log: () => string;
}

/** In characters. */
const LOG_KEPT = 256 * 1024;

/** Starts the program in a mount namespace of its own, and waits until it serves. */
async function startService(
  words: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<Service> {
  const alone = ['--mount', '--propagation', 'private', '--', ...words];
  const child = spawn('unshare', alone, { env: environment, stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  const booted = Promise.withResolvers<void>();
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log = `${log}${text}`.slice(-LOG_KEPT);
    if (log.includes('containerd successfully booted')) booted.resolve();
  });
  child.once('error', booted.reject);
  child.once('close', () => booted.reject(new Error(`containerd does not start: ${log}`)));
  await booted.promise;
  return { end: (signal) => end(child, signal), log: () => log };
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}

async function run(
  [program = '', ...words]: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<CtrRan> {
  const child = spawn(program, words, { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  const { promise, resolve: done, reject } = Promise.withResolvers<number>();
  child.once('error', reject).once('close', (status) => done(status ?? -1));
  return { code: await promise, ...output };
}
