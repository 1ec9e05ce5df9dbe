import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import type { Account } from './account.ts';
import { run } from './run.ts';
import { type Runtime, userDirectory } from './runtime.ts';

/**
 * How berth runs a program as another user: by itself, or by asking systemd for a transient unit, which
 * runs outside of the sandbox that berth may be in. `early` is by itself too, before the boot has reached
 * basic.target: the program then has no system bus, as podman would wait for the bus to learn about sessions,
 * and the bus starts only after basic.target.
 */
export type Way = 'itself' | 'early' | 'systemd';

/** A user, and how programs are run as that user. */
export interface Person {
  readonly account: Account;
  readonly way: Way;
  /** The caller's `PATH`, and nothing else of the caller's environment. */
  readonly path: string | undefined;
}

/** The directory that shows that systemd runs: sd_booted(3). */
const SYSTEMD = '/run/systemd/system';

/** The numbers of the capabilities without which no process becomes another user: capability.h. */
const CAP_SETGID = 6n;
const CAP_SETUID = 7n;

/**
 * Chooses the way. In a sandbox that forbids to become another user, or in a mount namespace of its own,
 * berth asks systemd: rootless podman needs newuidmap, which is setuid, and the mount namespace of the
 * first podman is joined by each later podman of the user.
 *
 * A unit is started only after the boot: before that its dependencies would wait for the unit that berth is
 * in.
 */
export async function wayToBecome(): Promise<Way> {
  const booted = await hasBooted();
  if (!booted && existsSync(SYSTEMD)) return 'early';
  if (mayBecome(readFileSync('/proc/self/status', 'utf8')) && !isApart()) return 'itself';
  return booted ? 'systemd' : 'itself';
}

/** Whether a process with this /proc/PID/status can become another user, and then run setuid programs. */
export function mayBecome(status: string): boolean {
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  const has = (capability: bigint) => ((effective >> capability) & 1n) === 1n;
  return has(CAP_SETUID) && has(CAP_SETGID) && !/^NoNewPrivs:\s*1$/m.test(status);
}

/** Whether this process has another mount namespace than the machine's. */
function isApart(): boolean {
  try {
    return readlinkSync('/proc/self/ns/mnt') !== readlinkSync('/proc/1/ns/mnt');
  } catch {
    return true;
  }
}

/** Whether systemd runs, and has come through its boot. */
export async function hasBooted(): Promise<boolean> {
  if (!existsSync(SYSTEMD)) return false;
  return (await run(['systemctl', 'is-active', '--quiet', 'basic.target'])).code === 0;
}

/** The environment of a program that runs as the user. */
export function environmentOf({ account, path, way }: Person, runtime: Runtime): NodeJS.ProcessEnv {
  const { name, home } = account;
  return {
    HOME: home,
    USER: name,
    LOGNAME: name,
    PATH: path,
    ...(runtime.directory === undefined ? {} : { XDG_RUNTIME_DIR: runtime.directory }),
    ...(way === 'early' ? { DBUS_SYSTEM_BUS_ADDRESS: 'unix:path=/nonexistent' } : {}),
  };
}

/** A command line that runs another one as the user. It must be started with `environmentOf`. */
export function itself(
  { uid, gid }: Account,
  runtime: Runtime,
  words: readonly string[],
): readonly string[] {
  const become = [`--reuid=${uid}`, `--regid=${gid}`, '--init-groups', '--inh-caps=-all', '--'];
  return [...(runtime.isAbsent ? inPrivate(uid, gid) : []), 'setpriv', ...become, ...words];
}

/**
 * Makes a /run/user/UID that only the words that follow see. The mount is on /run/user, so that no
 * directory appears that would be in the way of the real one. podman's locks (/dev/shm) are as new as the
 * directory: podman allots them anew in each new one, and fails to if they are taken.
 */
function inPrivate(uid: number, gid: number): readonly string[] {
  const script = `mkdir -p /run/user && mount -t tmpfs -o mode=0755 tmpfs /run/user &&
mount -t tmpfs -o mode=1777 tmpfs /dev/shm &&
mkdir -m 0700 "$1" && chown "$2" "$1" && shift 2 && exec "$@"`;
  const words = ['sh', '-c', script, 'sh', userDirectory(uid), `${uid}:${gid}`];
  return ['unshare', '--mount', '--propagation', 'slave', '--', ...words];
}

/**
 * A command line that has systemd run another one as the user.
 *
 * @param directory the name of a directory below /run that the user owns as long as the unit lives.
 */
export function bySystemd(
  { uid, gid }: Account,
  runtime: Runtime,
  words: readonly string[],
  directory?: string,
): readonly string[] {
  // systemd sets the other variables for `User=`, and PATH as for every service.
  const holder = `user-runtime-dir@${uid}.service`;
  const properties = [
    // A process that podman leaves behind, as it does to keep a user namespace, ends with the keeper.
    'KillMode=mixed',
    ...(directory === undefined
      ? []
      : [`RuntimeDirectory=${directory}`, 'RuntimeDirectoryMode=0700']),
    // The directory of a user who is not logged in exists as long as a unit needs it.
    ...(runtime.isAbsent ? [`Requires=${holder}`, `After=${holder}`] : []),
    // Without this no unit is started while the system goes down, when `berth gate` asks.
    'DefaultDependencies=no',
  ];
  return [
    'systemd-run',
    '--quiet',
    '--pipe',
    '--collect',
    '--description=podman of a user, asked by berth',
    `--uid=${uid}`,
    `--gid=${gid}`,
    ...properties.map((property) => `--property=${property}`),
    ...(runtime.directory === undefined ? [] : [`--setenv=XDG_RUNTIME_DIR=${runtime.directory}`]),
    '--',
    ...words,
  ];
}
