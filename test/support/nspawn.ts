import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Readable } from 'node:stream';

/** Where hierarchies of cgroups are mounted that systemd uses. */
const hierarchies = ['/sys/fs/cgroup', '/sys/fs/cgroup/systemd', '/sys/fs/cgroup/unified'];

/** A host whose boot has come to its end. */
export interface Running {
  /** Its systemd, as a process of this machine. */
  readonly leader: number;
  /** Settles when the host is gone. */
  readonly ended: Promise<unknown>;
  /** Ends every process in it at once. */
  readonly kill: () => Promise<void>;
}

/**
 * Boots an OS by systemd-nspawn, to the end of the boot.
 *
 * @param atEnd is given what ends the host, before it boots.
 * @param environment of systemd-nspawn, besides this process's.
 */
export async function bootByNspawn(
  name: string,
  words: readonly string[],
  atEnd: (kill: () => Promise<void>) => void,
  environment?: NodeJS.ProcessEnv,
): Promise<Running> {
  const nspawn = spawnHost(name, words, environment);
  const ended = once(nspawn, 'exit');
  const kill = async () => {
    if (nspawn.exitCode !== null || nspawn.signalCode !== null) return;
    const leader = leaderOf(nspawn.pid);
    // The end of its first process is that of all of it; systemd-nspawn then goes by itself.
    if (leader !== undefined) process.kill(leader, 'SIGKILL');
    else nspawn.kill('SIGKILL');
    await ended;
  };
  atEnd(kill);
  await new Promise<void>((resolve, reject) => {
    let console = '';
    const heard = (chunk: string) => {
      console += chunk;
      // The name comes in colour; once there is a prompt the console tells no more of the boot.
      if (/Reached target [^\n]*graphical\.target| login: /.test(console)) resolve();
    };
    nspawn.stdout.setEncoding('utf8').on('data', heard);
    nspawn.stderr.setEncoding('utf8').on('data', heard);
    nspawn.on('error', reject);
    nspawn.on('exit', () => reject(new Error(`the host did not boot:\n${console}`)));
  });
  const leader = leaderOf(nspawn.pid);
  if (leader === undefined) throw new Error('the host has no first process');
  return { leader, ended, kill };
}

/** The systemd that systemd-nspawn started. */
function leaderOf(nspawn: number | undefined): number | undefined {
  try {
    const children = readFileSync(`/proc/${nspawn}/task/${nspawn}/children`, 'utf8');
    return children
      .split(' ')
      .map(Number)
      .find((pid) => pid > 0 && readFileSync(`/proc/${pid}/comm`, 'utf8') === 'systemd\n');
  } catch {
    return undefined;
  }
}

/**
 * In cgroups of its own: in a cgroup that two hosts share, each systemd would take the other's services
 * of the same name for its own, and end them.
 */
function spawnHost(
  name: string,
  words: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): ChildProcessByStdio<null, Readable, Readable> {
  const mounted = hierarchies.filter((path) => existsSync(join(path, 'cgroup.procs')));
  const own = `${basename(tmpdir())}-${name}-${randomUUID()}`;
  const cgroups = mounted.map((path) => join(path, own));
  for (const cgroup of cgroups) mkdirSync(cgroup);
  const enter = 'for cgroup in $CGROUPS; do echo $$ > "$cgroup/cgroup.procs" || exit; done';
  const nspawn = spawn(
    'sh',
    [
      '-c',
      `${enter}; exec systemd-nspawn "$@"`,
      'sh',
      `--machine=${name}`,
      '--register=no',
      '--keep-unit',
      '--capability=all',
      '--system-call-filter=@keyring bpf add_key keyctl',
      '--boot',
      ...words,
    ],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...environment, CGROUPS: cgroups.join(' ') },
    },
  );
  nspawn.once('exit', () => {
    for (const cgroup of cgroups) removeCgroup(cgroup);
  });
  return nspawn;
}

function removeCgroup(path: string): void {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) removeCgroup(join(path, entry.name));
  }
  rmdirSync(path);
}
