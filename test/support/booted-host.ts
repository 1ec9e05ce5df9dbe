import { execFileSync } from 'node:child_process';
import { basename } from 'node:path';
import type { TestContext } from 'node:test';
import { bootByNspawn } from './nspawn.ts';

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
  /** Variables for systemd-nspawn, in addition to those of this process. */
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
  const { leader, ended } = await bootByNspawn(
    `${basename(directory)}-${process.pid}`,
    [`--directory=${directory}`, ...words],
    (kill) => t.after(kill),
    environment,
  );
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
