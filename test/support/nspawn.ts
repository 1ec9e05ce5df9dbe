import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

/** Where hierarchies of cgroups are mounted that systemd uses. */
const hierarchies = ['/sys/fs/cgroup', '/sys/fs/cgroup/systemd', '/sys/fs/cgroup/unified'];

/**
 * Boots an OS by systemd-nspawn, in cgroups of its own: in a cgroup that two hosts share, each systemd
 * would take the other's services of the same name for its own, and end them.
 *
 * @param environment of systemd-nspawn, besides this process's.
 */
export function spawnHost(
  name: string,
  words: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): ChildProcessByStdio<null, Readable, Readable> {
  const mounted = hierarchies.filter((path) => existsSync(join(path, 'cgroup.procs')));
  const own = `${name}-${randomUUID()}`;
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
