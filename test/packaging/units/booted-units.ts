import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type BootedHost, type BootOptions, bootHost } from '../../support/booted-host.ts';
import type { Suite } from '../../support/debian-root.ts';
import { addSysroot, hostRoot } from '../host.ts';
import { StandIn } from '../stand-in.ts';

export const units = '/usr/lib/systemd/system';

/** When to give up what is waited for: far later than any busy machine. */
export const limit = { timeout: 900_000 };

type Running = Pick<BootedHost, 'run'>;

/** A booted host with berth's units, and with a stand-in for the program. */
export interface BootedUnits {
  readonly suite: Suite;
  readonly root: string;
  readonly standIn: StandIn;
  /** The host, also after it was booted again. */
  readonly host: Running;
  /** A property of a unit. */
  readonly show: (unit: string, property: string) => string;
  /** When something happened to a unit, in microseconds; 0 for never. */
  readonly at: (unit: string, event: string) => number;
  /** Changes the root while the host is off. */
  readonly rebootWith: (changes: () => Promise<void>) => Promise<void>;
}

export async function bootUnits(t: TestContext, suite: Suite): Promise<BootedUnits> {
  const root = hostRoot(t, suite);
  addSysroot(root);
  const standIn = new StandIn(root);
  // Without it a systemd from 258 on does not boot below cgroups of version 1.
  const options: BootOptions =
    suite === 'forky' ? { environment: { SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: '1' } } : {};
  let booted = await bootHost(t, root, options);
  const host: Running = { run: (...words) => booted.run(...words) };
  const show = (unit: string, property: string) =>
    host.run('systemctl', 'show', '-P', property, unit).trim();
  return {
    suite,
    root,
    standIn,
    host,
    show,
    at: (unit, event) => Number(show(unit, `${event}TimestampMonotonic`)),
    rebootWith: async (changes) => {
      await booted.powerOff();
      await changes();
      booted = await bootHost(t, root, options);
    },
  };
}

/** What systemd says against units, and the exit code. */
export function verified(host: Running, ...files: string[]): string {
  const command = 'systemd-analyze verify --man=no "$@" 2>&1; echo $?';
  return host.run('sh', '-c', command, 'sh', ...files).trim();
}

/** Starts a unit anew. @returns the journal of that time: of what it starts in other units, too. */
export function journalOf(host: Running, unit: string): string {
  const cursor = /^-- cursor: (\S+)$/m.exec(host.run('journalctl', '-n0', '--show-cursor'))?.[1];
  host.run('systemctl', 'restart', unit);
  host.run('journalctl', '--sync');
  return host.run('journalctl', '--no-pager', '-o', 'cat', `--after-cursor=${cursor}`);
}

/** The lines that a unit has written into the journal. */
export function said(host: Running, unit: string, ...words: readonly string[]): string {
  return host.run('journalctl', '-o', 'cat', '-u', unit, ...words);
}

/** Changes what a unit's [Service] says, in place of what was changed before. */
export function change(host: Running, unit: string, ...lines: readonly string[]): void {
  const text = ['[Service]', ...lines, ''].join('\n');
  const place = `/etc/systemd/system/${unit}.d`;
  host.run('sh', '-c', 'mkdir -p "$0" && printf %s "$1" >"$0/test.conf"', place, text);
  host.run('systemctl', 'daemon-reload');
}

/** For what systemd tells nobody: asks again until it is so. The test's own time is the limit. */
export async function until(signal: AbortSignal, holds: () => boolean): Promise<void> {
  while (!holds()) await delay(20, undefined, { signal });
}
