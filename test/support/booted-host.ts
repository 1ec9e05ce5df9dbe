import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { TestContext } from 'node:test';
import { spawnHost } from './nspawn.ts';

export interface BootedHost {
  /** The process id of its systemd, as this machine counts. */
  readonly leader: number;
  /** Runs a command in it; what it prints, whatever its exit code. */
  readonly run: (...command: string[]) => string;
  /** The orderly end; then it can be booted again. */
  readonly powerOff: () => Promise<void>;
}

export interface BootOptions {
  /** More options of systemd-nspawn. */
  readonly words?: readonly string[];
  /** Of systemd-nspawn, besides this process's. */
  readonly environment?: NodeJS.ProcessEnv;
}

/**
 * Boots an OS tree under its own systemd, to the end of the boot, and stops it with the test.
 * What it runs sees the machine's network and kernel, and no process outside.
 */
export async function bootHost(
  t: Pick<TestContext, 'after'>,
  directory: string,
  { words = [], environment }: BootOptions = {},
): Promise<BootedHost> {
  const name = `${basename(directory)}-${process.pid}`;
  const nspawn = spawnHost(name, [`--directory=${directory}`, ...words], environment);
  const ended = once(nspawn, 'exit');
  t.after(async () => {
    if (nspawn.exitCode !== null || nspawn.signalCode !== null) return;
    const leader = leaderOf(nspawn.pid);
    // The end of its first process is that of all of it; systemd-nspawn then goes by itself.
    if (leader !== undefined) process.kill(leader, 'SIGKILL');
    else nspawn.kill('SIGKILL');
    await ended;
  });
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
  const run = (...command: string[]): string => {
    try {
      return execFileSync('nsenter', ['-t', String(leader), '-a', '--', ...command], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      });
    } catch (error) {
      if (error instanceof Error && 'stdout' in error) return String(error.stdout);
      throw error;
    }
  };
  run('systemctl', 'is-system-running', '--wait');
  const powerOff = async () => {
    run('systemctl', 'poweroff');
    await ended;
  };
  return { leader, run, powerOff };
}

/** The systemd that systemd-nspawn started. */
export function leaderOf(nspawn: number | undefined): number | undefined {
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
