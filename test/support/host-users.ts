import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { debianRoot } from './debian-root.ts';
import type { Booted, Ran } from './ostree-host.ts';

/** A user of a host, whose podman runs without root. */
export interface HostUser {
  readonly name: string;
  /** From 1000 on. */
  readonly uid: number;
}

/**
 * The environment of a host whose users run containers. Below cgroups of version 1 a user's systemd can't
 * tell from which unit a notification comes if its sender has ended meanwhile, and the unit fails.
 */
export const hostOfUsers: NodeJS.ProcessEnv = { SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: '1' };

/** What the containers of a test's host have in common, so that they start in its cgroups and network. */
const RUN = '--network=host --cgroups=disabled';

/** The files of an OS that has these users, beside Debian's own. */
export function accounts(users: readonly HostUser[]): Record<string, string> {
  const lines = (line: (user: HostUser) => string) => users.map(line).join('');
  const ids = lines(({ name, uid }) => `${name}:${(uid - 999) * 65_536}:65536\n`);
  return {
    'usr/etc/passwd': `${debians('passwd')}${lines(({ name, uid }) => `${name}:*:${uid}:${uid}::${homeOf(name)}:/bin/sh\n`)}`,
    'usr/etc/group': `${debians('group')}${lines(({ name, uid }) => `${name}:*:${uid}:\n`)}`,
    'usr/etc/subuid': ids,
    'usr/etc/subgid': ids,
    'usr/lib/tmpfiles.d/homes.conf': `d /var/home 0755\n${lines(({ name }) => `d ${homeOf(name)} 0700 ${name} ${name}\n`)}`,
  };
}

/** A file that makes a user's systemd start at boot, and end with the host. */
export function lingering({ name }: HostUser): Record<string, string> {
  return {
    [`usr/lib/tmpfiles.d/linger-${name}.conf`]: `d /var/lib/systemd/linger 0755\nf /var/lib/systemd/linger/${name} 0644\n`,
  };
}

/** Adds the part of PAM without which no user's systemd starts; it is a package of its own. */
export function addLogin(tree: string): void {
  const script = resolve(import.meta.dirname, '../../scripts/trixie-package.sh');
  const unpacked = execFileSync(script, ['libpam-systemd'], { encoding: 'utf8' }).trim();
  cpSync(join(unpacked, 'usr/lib'), join(tree, 'usr/lib'), { recursive: true });
}

/** A container of a user, as a Quadlet unit that the OS has for this user. */
export function userContainer(user: HostUser, name: string, image: string): Record<string, string> {
  return {
    [`usr/etc/containers/systemd/users/${user.uid}/${name}.container`]: ownContainer(name, image),
  };
}

/** A container of a user, as a Quadlet unit that the user has. */
export function ownContainer(name: string, image: string): string {
  return `[Container]\nImage=${image}\nContainerName=${name}\nPodmanArgs=${RUN}\nStopTimeout=0\n[X-Berth]\nBind=yes\n[Install]\nWantedBy=default.target\n`;
}

/** A container of a user, as a service of the system that calls podman. */
export function userService({ name: user }: HostUser, name: string, image: string) {
  const unit = `usr/lib/systemd/system/${name}.service`;
  return {
    [unit]: `[Service]\nUser=${user}\nType=notify\nNotifyAccess=all\nExecStart=/usr/bin/podman run --rm --replace --sdnotify=conmon --name=${name} ${RUN} ${image}\nExecStop=/usr/bin/podman rm --force --ignore --time=0 ${name}\n[X-Berth]\nBind=yes\n`,
    [`usr/lib/systemd/system/multi-user.target.wants/${name}.service`]: `-> ../${name}.service`,
  };
}

/**
 * The host as its user sees it.
 *
 * @param session whether the user's own systemd runs; else as in a service with `User=`.
 */
export function asUser(
  host: Booted,
  { name, uid }: HostUser,
  session: boolean,
): Pick<Booted, 'try' | 'run'> {
  const runtime = session ? [`XDG_RUNTIME_DIR=/run/user/${uid}`] : [];
  const environment = [`HOME=${homeOf(name)}`, 'PATH=/usr/sbin:/usr/bin:/sbin:/bin', ...runtime];
  const words = ['runuser', '-u', name, '--', 'env', '-i', '-C', '/', ...environment];
  return {
    try: (...command) => host.try(...words, ...command),
    run: (...command) => host.run(...words, ...command),
  };
}

/** Runs berth in the cgroups of the host: podman can't say where it is outside of them. */
export function berth(host: Booted, ...words: readonly string[]): Ran {
  return host.try('systemd-run', '--wait', '--pipe', '--quiet', '--collect', 'berth', ...words);
}

/** Runs berth in the same way as a user whose own systemd runs. */
export function berthOf(host: Booted, { name, uid }: HostUser, ...words: readonly string[]): Ran {
  const environment = [`HOME=${homeOf(name)}`, `XDG_RUNTIME_DIR=/run/user/${uid}`];
  const service = ['systemd-run', '--wait', '--pipe', '--quiet', '--collect', `--uid=${name}`];
  return host.try(...service, ...environment.map((one) => `--setenv=${one}`), 'berth', ...words);
}

function homeOf(name: string): string {
  return `/var/home/${name}`;
}

function debians(file: string): string {
  return readFileSync(join(debianRoot('trixie'), 'etc', file), 'utf8');
}
