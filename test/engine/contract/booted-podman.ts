import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { openPodman, type PodmanOptions } from '../../../src/engine/podman/podman.ts';
import { startMachine } from '../../support/berth.ts';
import { type BootedHost, bootHost } from '../../support/booted-host.ts';
import { debianRoot, type Suite } from '../../support/debian-root.ts';
import { preparePodman } from '../../support/podman.ts';
import { make, withEngine } from './calls.ts';
import { podmanCommands } from './podman-commands.ts';
import type { TestedEngine } from './tested-engine.ts';

/** The user whose podman it is, if not root. */
const USER = { name: 'app', uid: 1001 };

/**
 * A command that runs another one as the user, in a cgroup of the host: a process that only enters the
 * host's namespaces has none there, and a user's podman then fails.
 */
const becomeUser = [
  'sh',
  '-c',
  'mkdir -p /sys/fs/cgroup/user && echo $$ >/sys/fs/cgroup/user/cgroup.procs && cd / && exec "$@"',
  'sh',
  'setpriv',
  `--reuid=${USER.uid}`,
  `--regid=${USER.uid}`,
  '--init-groups',
  '--',
];

/**
 * The podman of a Debian release, on a booted host of that release. Its store lies in a directory that
 * has the same path on this machine, where berth runs.
 *
 * @param whose root's podman, or that of a user.
 */
export async function startBootedPodman(
  t: TestContext,
  suite: Suite,
  whose: 'root' | 'user' = 'root',
): Promise<TestedEngine> {
  const machine = await startMachine(t);
  // Not in /tmp, on which the host mounts a tmpfs of its own.
  const directory = mkdtempSync('/var/tmp/berth-test-contract-');
  const { host, end } = await boot(suite, directory).catch((error: unknown) => {
    rmSync(directory, { recursive: true });
    throw error;
  });
  const enter = [
    'nsenter',
    '--target',
    String(host.leader),
    '--all',
    '--',
    ...(whose === 'root' ? [] : becomeUser),
  ];
  const podman = preparePodman(directory, { enter, insecure: [machine.registry.host] });
  t.after(async () => {
    await podman.stop();
    await end();
    rmSync(directory, { recursive: true });
  });
  writeFileSync(join(directory, 'containers.conf'), configuration);
  const containers = join(directory, 'root/overlay-containers');
  mkdirSync(containers, { recursive: true });
  if (whose === 'user') {
    host.run('useradd', '--no-create-home', `--uid=${USER.uid}`, USER.name);
    host.run('chown', '--recursive', `${USER.uid}:${USER.uid}`, directory);
    // The first podman of a user makes a user namespace. A service that does so does not end with SIGTERM.
    await podman.podman('info');
  }
  await podman.restart();
  machine.environment['CONTAINER_HOST'] = podman.environment['CONTAINER_HOST'];
  const options: PodmanOptions = {
    user: false,
    pinKey: join(machine.directory, 'state/pins.key'),
    environment: podman.environment,
  };
  const open = () => openPodman(options);
  const reboot = () => podman.restart(() => forgetRun(directory));
  return {
    table: whose === 'root' ? 'podman' : 'podman of a user',
    column: suite,
    version: (await podman.podman('--version')).replace(' version', ''),
    machine,
    option: 'podman',
    open,
    untag: async (name, id) => void (await podman.podman('untag', id, name)),
    restart: () => podman.restart(),
    reboot,
    clear: async () => {
      await podman.podman('system', 'reset', '--force');
      await podman.restart();
    },
    killDuring: async (call, isUnderWay) => {
      await withEngine({ open }, async (engine) => {
        const over = make(engine, call);
        // A call may end before its engine is killed, but it must not fail.
        await Promise.race([isUnderWay, over]);
        await podman.kill();
        await over.catch(() => undefined);
      });
      await podman.restart();
    },
    pinDirectory: containers,
    commands: podmanCommands(podman, reboot),
  };
}

/**
 * With these settings containers start on a host that has no cgroup controllers and may not raise limits:
 * so a pin that somebody starts fails for its own reason.
 */
const configuration = `[containers]
cgroups = "disabled"
pids_limit = 0
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024", "memlock=8192:8192"]
`;

/** Boots the cached root unchanged: what the host writes stays in memory. */
async function boot(
  suite: Suite,
  directory: string,
): Promise<{ readonly host: BootedHost; readonly end: () => Promise<void> }> {
  const ends: (() => unknown)[] = [];
  const later = { after: (end: () => unknown) => void ends.push(end) };
  const end = async () => {
    for (const each of ends) await each();
  };
  try {
    const host = await bootHost(later, debianRoot(suite), {
      words: ['--volatile=overlay', `--bind=${directory}`],
      // podman 5.8 and systemd 262 no longer work with cgroups v1, which this machine may have.
      environment: { SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: '1' },
    });
    return { host, end };
  } catch (error) {
    await end();
    throw error;
  }
}

/** The directories of podman that lie below /run on a host, and are empty after it boots. */
function forgetRun(directory: string): void {
  for (const name of ['run', 'tmp']) {
    rmSync(join(directory, name), { recursive: true, force: true });
  }
}
