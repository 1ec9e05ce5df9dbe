import type { Fault } from '../problem.ts';
import type { Word } from './words.ts';

/** Programs that run containers or fetch images in ways that berth does not read. */
interface Foreign {
  /** The names of the programs, separated by blanks. */
  readonly names: string;
  /** Matches the arguments with which they do so. */
  readonly args: RegExp;
  /** Completes `which takes …`. */
  readonly takes: string;
}

const foreign: readonly Foreign[] = [
  {
    names: 'runc crun youki runsc',
    args: /(?:^| )(?:create|restore|run)(?: |$)/,
    takes: 'a bundle',
  },
  { names: 'systemd-nspawn', args: /(?:^| )--oci-bundle(?:=| )/, takes: 'a bundle' },
  { names: 'systemd-vmspawn', args: /(?:^| )(?:-i|--image)/, takes: 'an image of a machine' },
  {
    names: 'machinectl importctl',
    args: /(?:^| )(?:pull|import)-/,
    takes: 'an image of a machine',
  },
  {
    names: 'lxc incus',
    args: /(?:^| )(?:copy|create|import|init|launch|rebuild)(?: |$)/,
    takes: 'images of its own',
  },
  { names: 'lxc-create', args: /./, takes: 'images of its own' },
  { names: 'rkt', args: /(?:^| )(?:fetch|prepare|run)(?: |$)/, takes: 'images of its own' },
  {
    names: 'toolbox distrobox',
    args: /(?:^| )(?:assemble|create|enter|run|upgrade)(?: |$)/,
    takes: 'images of its own',
  },
  {
    names: 'distrobox-assemble distrobox-create distrobox-enter',
    args: /(?:)/,
    takes: 'images of its own',
  },
  {
    names: 'apptainer singularity',
    args: /(?:^| )(?:docker|library|oras|shub):\/\//,
    takes: 'images of its own',
  },
  {
    names: 'balena balena-engine finch podman-remote udocker',
    args: /(?:^| )(?:build|compose|create|load|pull|run)(?: |$)/,
    takes: 'images of its own',
  },
  {
    names: 'kubectl oc microk8s',
    args: /(?:^| )(?:apply|create|new-app|replace|rollout|run|set)(?: |$)/,
    takes: 'workloads of a cluster',
  },
  { names: 'helm', args: /(?:^| )(?:install|upgrade)(?: |$)/, takes: 'workloads of a cluster' },
  {
    names: 'kubeadm',
    args: /(?:^| )(?:init|join|pull|upgrade)(?: |$)/,
    takes: 'workloads of a cluster',
  },
  {
    names: 'kind k3d minikube',
    args: /(?:^| )(?:create|start)(?: |$)/,
    takes: 'a cluster in containers',
  },
  {
    names: 'k3s',
    args: /^(?:kubectl (?:apply|create|run)|ctr (?:.* )?(?:import|pull|run)|crictl (?:.* )?pull)/,
    takes: 'images of its cluster',
  },
];

const byName: ReadonlyMap<string, Foreign> = new Map(
  foreign.flatMap((one) => one.names.split(' ').map((name) => [name, one] as const)),
);

/** The names of all these programs. */
export const foreignPrograms: readonly string[] = [...byName.keys()];

/** The fault of a program that runs containers in a way of its own; undefined for all others. */
export function foreignFault(name: string, args: readonly Word[]): Fault | undefined {
  const found = byName.get(name);
  if (found?.args.test(args.map(({ text }) => text).join(' ')) !== true) return undefined;
  return {
    code: 'command-line',
    message: `expected images that the command line names, found ${name}, which takes ${found.takes}; berth does not read that`,
    hint: 'name the image in a list of /usr/lib/berth/images.d if an engine of the host runs it',
  };
}
