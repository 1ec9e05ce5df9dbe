import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { debianRoot } from './debian-root.ts';

const systemUnits = 'usr/lib/systemd/system';

/**
 * The environment of a host whose engines start containers: runc needs cgroups that the host may write, and
 * those of version 1 are the machine's.
 */
export const hostOfEngines: NodeJS.ProcessEnv = { SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: '1' };

/** The files of an OS that has docker, beside what `addDocker` lays over it. */
export function dockerFiles(): Record<string, string> {
  return {
    // The test's host has the network of the machine, which docker must leave as it is.
    'usr/etc/docker/daemon.json': JSON.stringify({
      bridge: 'none',
      iptables: false,
      ip6tables: false,
      'userland-proxy': false,
      'live-restore': true,
    }),
    // docker.socket belongs to this group.
    'usr/etc/group': `${readFileSync(join(debianRoot('trixie'), 'etc/group'), 'utf8')}docker:x:989:\n`,
    ...enabled('docker.service', 'multi-user.target'),
    ...enabled('docker.socket', 'sockets.target'),
    ...containerdFiles(),
  };
}

/** The files of an OS that has containerd, beside what `addContainerd` lays over it. */
export function containerdFiles(): Record<string, string> {
  return enabled('containerd.service', 'multi-user.target');
}

/** Lays Debian's docker over an OS. */
export function addDocker(tree: string): void {
  addContainerd(tree);
  for (const name of ['docker.io', 'docker-cli']) lay(name, tree);
}

/** Lays Debian's containerd over an OS. */
export function addContainerd(tree: string): void {
  for (const name of ['containerd', 'runc']) lay(name, tree);
}

function lay(name: string, tree: string): void {
  const script = resolve(import.meta.dirname, '../../scripts/trixie-package.sh');
  const unpacked = execFileSync(script, [name], { encoding: 'utf8' }).trim();
  cpSync(join(unpacked, 'usr'), join(tree, 'usr'), {
    recursive: true,
    filter: (path) => !path.includes('/usr/share/'),
  });
}

/** A container that a service starts once docker is up, and that outlives the command. */
export function dockerService(name: string, image: string): Record<string, string> {
  return {
    [`${systemUnits}/${name}.service`]: `[Unit]\nRequires=docker.service\nAfter=docker.service\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/usr/bin/docker run --detach --name=${name} --network=host ${image}\nExecStop=/usr/bin/docker rm --force ${name}\n[X-Berth]\nBind=yes\n`,
    ...enabled(`${name}.service`, 'multi-user.target'),
  };
}

/**
 * A container that a service starts once containerd is up. ctr pulls nothing when it runs a container, so the
 * service pulls first, as such services do, and goes on if that fails.
 */
export function containerdService(name: string, image: string): Record<string, string> {
  return {
    [`${systemUnits}/${name}.service`]: `[Unit]\nRequires=containerd.service\nAfter=containerd.service\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStartPre=-/usr/bin/ctr images pull --plain-http ${image}\nExecStart=/usr/bin/ctr run --detach --net-host --cpu-shares=0 ${image} ${name}\nExecStop=/usr/bin/ctr task rm --force ${name}\nExecStop=/usr/bin/ctr container rm ${name}\n[X-Berth]\nBind=yes\n`,
    ...enabled(`${name}.service`, 'multi-user.target'),
  };
}

/** The socket of the containerd that k3s starts. */
export const k3sSocket = '/run/k3s/containerd/containerd.sock';

/**
 * A service in the place of k3s, which Debian does not have: a containerd of its own on k3s's socket, and a list of
 * images for the pods of Kubernetes.
 */
export function k3sService(image: string): Record<string, string> {
  const config = 'usr/lib/k3s/containerd.toml';
  return {
    [config]: `version = 2\nroot = "/var/lib/rancher/k3s/agent/containerd"\nstate = "/run/k3s/containerd"\n[grpc]\naddress = "${k3sSocket}"\n`,
    [`${systemUnits}/k3s.service`]: `[Service]\nType=notify\nExecStart=/usr/bin/containerd --config=/${config}\nDelegate=yes\nKillMode=process\n`,
    'usr/lib/berth/images.d/k3s.list': `# engine: containerd\n${image}\n`,
    ...enabled('k3s.service', 'multi-user.target'),
  };
}

function enabled(unit: string, target: string): Record<string, string> {
  return { [`${systemUnits}/${target}.wants/${unit}`]: `-> ../${unit}` };
}
