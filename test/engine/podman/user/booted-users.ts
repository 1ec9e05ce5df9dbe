import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { TestContext } from 'node:test';
import { array, boolean, looseObject, number, object, optional, parse, string } from 'valibot';
import { type BootedHost, bootHost } from '../../../support/booted-host.ts';
import { debianRoot, type Suite } from '../../../support/debian-root.ts';
import { HANGS_S } from '../../../support/host-lab.ts';

/** A booted host with users who have podmans of their own. */
export interface UsersHost {
  readonly host: BootedHost;
  /** Runs a shell script on the host as a service of root; returns its output, and fails as the script. */
  readonly sh: (script: string, ...options: string[]) => string;
  /** Runs podman as a user, in a service with this runtime directory, or in one without any. */
  readonly podman: (user: string, runtime: string | undefined, words: string) => string;
  /** Runs berth's engine on the host, and returns what it reports. */
  readonly berth: (user: string, what: 'pin' | 'look', how?: How) => Report;
  /** The command line of the worker on the host, for scripts. */
  readonly worker: (user: string, what: string, pinKey?: string) => string;
}

interface How {
  /** Options of systemd-run. */
  readonly options?: readonly string[];
  /** A shell command before the worker's, which ends with `&&`. */
  readonly before?: string;
  readonly pinKey?: string;
}

export type Report = ReturnType<typeof reportOf>;

const Shape = object({
  info: looseObject({
    name: string(),
    version: string(),
    description: string(),
    directory: string(),
  }),
  traits: looseObject({ pullsAs: string() }),
  footprint: array(number()),
  pins: array(object({ of: string(), root: string(), sealed: optional(boolean()) })),
  genuine: optional(number()),
  names: array(string()),
  warnings: array(string()),
});

function reportOf(output: string) {
  return parse(Shape, JSON.parse(output));
}

const checkout = resolve(import.meta.dirname, '../../../..');

/**
 * Settings without which no rootless container starts on a host that is itself a container, and the runtime
 * directory of a user's manager, which pam_systemd gives on other hosts.
 */
const setUp = `
set -e
mount -t tmpfs -o mode=0755 tmpfs /home
mkdir -p /etc/containers /etc/systemd/system/user@.service.d /var/lib/berth /var/lib/systemd/linger
cat >/etc/containers/containers.conf <<end
[containers]
cgroups = "disabled"
pids_limit = 0
default_sysctls = []
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024", "memlock=8192:8192"]
end
echo '{"default":[{"type":"insecureAcceptAnything"}]}' >/etc/containers/policy.json
printf '[Service]\\nEnvironment=XDG_RUNTIME_DIR=/run/user/%%i\\n' \\
  >/etc/systemd/system/user@.service.d/runtime.conf
systemctl daemon-reload
`;

export async function startUsersHost(t: TestContext, suite: Suite): Promise<UsersHost> {
  const shared = mkdtempSync('/var/tmp/berth-test-users-');
  t.after(() => rmSync(shared, { recursive: true }));
  chmodSync(shared, 0o755);
  const busybox = execFileSync('which', ['busybox'], { encoding: 'utf8' }).trim();
  copyFileSync(busybox, join(shared, 'busybox'));
  const host = await bootHost(t, debianRoot(suite), {
    words: [
      '--volatile=overlay',
      `--bind-ro=${checkout}:/opt/berth`,
      `--bind-ro=${process.execPath}:/opt/node`,
      `--bind-ro=${shared}:/opt/shared`,
    ],
    environment: { SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: '1' },
  });
  const enter = ['-t', String(host.leader), '-a', '--'];
  // In a service: a process that only enters the host's namespaces has no cgroup there.
  const service = ['systemd-run', '--pipe', '--quiet', '--wait', '--collect'];
  const run = (options: readonly string[], words: readonly string[]) =>
    execFileSync(
      'nsenter',
      [...enter, ...service, '--property=KillMode=mixed', ...options, '--', ...words],
      {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
  const sh: UsersHost['sh'] = (script, ...options) =>
    run(
      [`--property=RuntimeMaxSec=${HANGS_S}`, ...options],
      ['/bin/sh', '-c', script.replaceAll('$', '$$')],
    );
  sh(setUp);
  const worker: UsersHost['worker'] = (user, what, pinKey = '/var/lib/berth/pins.key') =>
    `/opt/node /opt/berth/test/engine/podman/user/worker.ts ${user} ${pinKey} /opt/shared/busybox ${what}`;
  return {
    host,
    sh,
    worker,
    podman: (user, runtime, words) => {
      const options = runtime === undefined ? [] : [`--setenv=XDG_RUNTIME_DIR=${runtime}`];
      return run([`--property=User=${user}`, ...options], ['podman', ...words.split(' ')]);
    },
    berth: (user, what, { options = [], before = '', pinKey } = {}) =>
      reportOf(sh(`${before} exec ${worker(user, what, pinKey)}`, ...options)),
  };
}

/** Starts a shell script on the host, and returns when it has printed something. */
export async function begin({ host }: UsersHost, script: string): Promise<void> {
  const enter = [
    '-t',
    String(host.leader),
    '-a',
    '--',
    'systemd-run',
    '--pipe',
    '--quiet',
    '--collect',
  ];
  const words = ['/bin/sh', '-c', script.replaceAll('$', '$$')];
  const child = spawn('nsenter', [...enter, '--', ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const { promise, resolve: done, reject } = Promise.withResolvers<void>();
  child.stdout.once('data', () => done());
  child.once('close', () => reject(new Error('it ended without a word')));
  await promise;
}
