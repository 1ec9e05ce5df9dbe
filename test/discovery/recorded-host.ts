import { chmodSync, cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type BootedHost, bootHost } from '../support/booted-host.ts';
import { writeTree } from '../support/tree.ts';
import { trixieProgramPath } from '../support/trixie.ts';

/**
 * Stands in for the programs that start containers: it writes down which unit and which user started it
 * with which words, and does what systemd waits for. For Compose it writes the images that docker compose
 * finds in place of the words.
 */
const recorder = `#!/bin/sh
while read -r line; do
  # Commands of a service with Delegate= run in a cgroup below its own.
  case "$line" in *.service*) unit="\${line%.service*}.service"; unit=\${unit##*/}; break ;; esac
done < /proc/self/cgroup
while read -r key uid others; do [ "$key" != Uid: ] || break; done < /proc/self/status
program=\${0##*/}
record() {
  echo "$unit $program $uid \${CONTAINERD_NAMESPACE:--} \${DOCKER_HOST:--} $*" >> /var/log/engines
}
compose() {
  options=
  while [ "$1" != up ]; do options="$options $1"; shift; done
  shift 2
  record compose $(/usr/libexec/docker/cli-plugins/docker-compose $options config --images "$@")
}
case "$program $1" in
  'docker compose') shift; compose "$@" ;;
  docker-compose*) compose "$@" ;;
  *) record "$@" ;;
esac
pid="/run/\${unit%.service}.pid"
for word; do
  case "$word" in --infra-conmon-pidfile=*) echo "\${word#*=}" > "$pid.path" ;; esac
done
case "$1 $2" in
  'pod start')
    [ ! -e "$pid.path" ] || read -r pid < "$pid.path"
    if [ "$(systemctl show --value -p Type "$unit")" = forking ]; then
      sleep infinity & echo $! > "$pid"
    fi ;;
esac
# systemd-notify waits five seconds for an answer, and a busy machine may take longer.
[ -z "$NOTIFY_SOCKET" ] || until systemd-notify --ready; do :; done
`;

/** A start of a program that starts containers. */
export interface RecordedStart {
  readonly unit: string;
  readonly program: string;
  readonly uid: string;
  /** The variable of containerd's programs, or `-`. */
  readonly namespace: string;
  /** The variable of docker's programs, or `-`. */
  readonly host: string;
  /** The program's words, or for Compose the images. */
  readonly words: readonly string[];
}

const log = 'var/log/engines';

/**
 * Without limits, services that fail and have Restart= would start again for ever. The time to start is
 * longer than a busy machine takes.
 */
const limits =
  '[Manager]\nDefaultStartLimitIntervalSec=infinity\nDefaultStartLimitBurst=1\nDefaultTimeoutStartSec=20min\n';

/** Boots a tree in which each program that starts containers is replaced. */
export function bootRecorded(t: TestContext, directory: string): Promise<BootedHost> {
  for (const program of ['podman', 'docker', 'docker-compose', 'nerdctl', 'ctr']) {
    const path = join(directory, 'usr/bin', program);
    rmSync(path, { force: true });
    writeFileSync(path, recorder);
    chmodSync(path, 0o755);
  }
  const compose = trixieProgramPath('docker-compose');
  cpSync(compose, join(directory, 'usr/libexec/docker/cli-plugins/docker-compose'));
  // Commands of every user are written down.
  writeTree(directory, { '/etc/systemd/system.conf.d/limits.conf': limits, [`/${log}`]: '' });
  chmodSync(join(directory, log), 0o666);
  return bootHost(t, directory);
}

/** What a booted tree has started so far. */
export function recordedStarts(directory: string): readonly RecordedStart[] {
  const lines = readFileSync(join(directory, log), 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => {
    const [unit = '', program = '', uid = '', namespace = '', host = '', ...words] =
      line.split(' ');
    return { unit, program, uid, namespace, host, words };
  });
}

/** The engine that a start asks for its containers; `-` if no engine of the system is asked. */
export function engineOf({ program, uid, namespace, host, words }: RecordedStart): string {
  if (program === 'podman') return uid === '0' ? 'podman' : 'podman:app';
  const options = words.join(' ');
  if (program.startsWith('docker')) {
    const [, socket = host] = /^(?:-H |--host=)(\S+)/.exec(options) ?? [];
    return !options.startsWith('--context') && socket.endsWith('podman.sock') ? 'podman' : 'docker';
  }
  if (program === 'nerdctl' && uid !== '0') return '-';
  const [, given] = /^(?:-n |--namespace[= ])(\S+)/.exec(options) ?? [];
  const chosen = given ?? (namespace === '-' ? 'default' : namespace);
  return chosen === 'k8s.io' ? 'containerd' : `containerd:${chosen}`;
}
