import type { Fault } from '../problem.ts';
import {
  buildah,
  crictl,
  ctr,
  docker,
  nerdctl,
  type OptionTable,
  podman,
  skopeo,
} from './option-tables.ts';

/** The programs that run containers, or fetch images for them. */
export type Program = 'podman' | 'docker' | 'nerdctl' | 'ctr' | 'crictl' | 'skopeo' | 'buildah';

/** The way in which the words of a command name images. */
export type Kind =
  | 'run'
  | 'pull'
  | 'play'
  /** The base images of a Containerfile. */
  | 'build'
  /** `--infra-image`. */
  | 'pod'
  /** Images that must be there: the command does not pull. */
  | 'use'
  /** A label, then an image. */
  | 'runlabel'
  /** `--opt image=`. */
  | 'volume'
  /** `docker://IMAGE containers-storage:IMAGE`. */
  | 'copy'
  /** An OCI artifact that is pulled. */
  | 'artifact'
  /** An OCI artifact that must be there, then a path. */
  | 'extract'
  /** The images of an archive. */
  | 'load';

export interface Subcommand {
  readonly kind: Kind;
  readonly options: OptionTable;
}

export interface ProgramTable {
  readonly global: OptionTable;
  /** Whether global options may follow the subcommand. */
  readonly isMixed: boolean;
  readonly subcommands: Readonly<Record<string, Subcommand>>;
  /** Subcommands that start or fetch something that berth does not read, with what it is. */
  readonly unread: Readonly<Record<string, string>>;
  /** Subcommands that name no image, or only remove, save or show one. */
  readonly silent: ReadonlySet<string>;
}

function words(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/));
}

function each(names: string, subcommand: Subcommand): Record<string, Subcommand> {
  return Object.fromEntries(names.split(',').map((name) => [name.trim(), subcommand]));
}

/** Subcommands of containers, with which nothing is pulled, that podman, docker and nerdctl share. */
const shared = `attach commit cp diff exec export history images info inspect kill login logout logs
  network pause port ps push rename restart rm rmi save search secret start stats stop system tag top
  unpause update version volume wait events image container help manifest`;

const archive = 'a file system as an image';

/**
 * Sources: `--help` of podman 4.3.1 and 5.8.6, docker 26.1, buildah 1.28, skopeo 1.9 and 1.18; nerdctl and ctr
 * as in option-tables.ts; crictl 1.30.
 */
export const programs: Readonly<Record<Program, ProgramTable>> = {
  podman: {
    global: podman.global,
    isMixed: true,
    subcommands: {
      ...each('run, create, container run, container create', { kind: 'run', options: podman.run }),
      ...each('pull, image pull', { kind: 'pull', options: podman.pull }),
      ...each('kube play, play kube', { kind: 'play', options: podman.play }),
      ...each('build, image build, buildx build, builder build', {
        kind: 'build',
        options: podman.build,
      }),
      'pod create': { kind: 'pod', options: podman.pod },
      'artifact pull': { kind: 'artifact', options: podman.pull },
      'artifact extract': { kind: 'extract', options: podman.extract },
      'image mount': { kind: 'use', options: podman.mount },
      'container runlabel': { kind: 'runlabel', options: podman.runlabel },
      'volume create': { kind: 'volume', options: podman.volume },
      ...each('load, image load', { kind: 'load', options: podman.load }),
    },
    unread: {
      import: archive,
      'image import': archive,
      unshare: 'a command in a namespace of its own',
      'image scp': 'an image from another host',
      'quadlet install': 'Quadlet units that are installed at run time',
      compose: 'a Compose project',
      'farm build': 'a build on other hosts',
      'container restore': 'a checkpoint',
      'pod clone': 'a copy of a pod',
      'container clone': 'a copy of a container',
    },
    silent:
      words(`${shared} auto-update generate healthcheck init machine mount pod kube play unmount
      unshare untag artifact quadlet farm buildx builder`),
  },
  docker: {
    global: docker.global,
    isMixed: false,
    subcommands: {
      ...each('run, create, container run, container create', { kind: 'run', options: docker.run }),
      ...each('pull, image pull', { kind: 'pull', options: docker.pull }),
      ...each('build, image build, builder build, buildx build', {
        kind: 'build',
        options: docker.build,
      }),
      ...each('load, image load', { kind: 'load', options: docker.load }),
    },
    unread: {
      import: archive,
      'image import': archive,
      compose: 'a Compose project',
      'stack deploy': 'a stack of a swarm',
      'stack up': 'a stack of a swarm',
      'service create': 'a service of a swarm',
      'service update': 'a service of a swarm',
      'plugin install': 'a plugin',
      'checkpoint create': 'a checkpoint',
      'buildx bake': 'a build of several images',
    },
    silent: words(
      `${shared} builder buildx checkpoint config context node plugin service stack swarm trust`,
    ),
  },
  nerdctl: {
    global: nerdctl.global,
    isMixed: true,
    subcommands: {
      ...each('run, create, container run, container create', {
        kind: 'run',
        options: nerdctl.run,
      }),
      ...each('pull, image pull', { kind: 'pull', options: nerdctl.pull }),
      ...each('load, image load', { kind: 'load', options: nerdctl.load }),
    },
    unread: {
      build: 'a build',
      'image build': 'a build',
      'builder build': 'a build',
      compose: 'a Compose project',
    },
    silent: words(`${shared} apparmor builder internal ipfs namespace`),
  },
  ctr: {
    global: ctr.global,
    isMixed: false,
    subcommands: {
      ...each('run, c create, container create, containers create', {
        kind: 'run',
        options: ctr.run,
      }),
      ...each('i pull, image pull, images pull', { kind: 'pull', options: ctr.pull }),
      ...each('i import, image import, images import', { kind: 'load', options: ctr.import }),
    },
    unread: {
      'content fetch': 'the content of an image',
      'c restore': 'a checkpoint',
      'container restore': 'a checkpoint',
      'containers restore': 'a checkpoint',
      'i mount': 'a mounted image',
      'image mount': 'a mounted image',
      'images mount': 'a mounted image',
    },
    silent:
      words(`c container containers content deprecations event events i image images info install
      lease leases namespace namespaces ns oci plugin plugins pprof sandbox sandboxes sb s shim snapshot
      snapshots t task tasks version help`),
  },
  crictl: {
    global: crictl.global,
    isMixed: false,
    subcommands: { pull: { kind: 'pull', options: crictl.pull } },
    unread: { run: 'a container', create: 'a container', runp: 'a pod' },
    silent:
      words(`attach checkpoint completion config events exec help images image img imagefsinfo info
      inspect inspecti inspectp logs metricsp port-forward pods ps rm rmi rmp start statsp stats stop stopp
      update-runtime-config update version`),
  },
  skopeo: {
    global: skopeo.global,
    isMixed: true,
    subcommands: { copy: { kind: 'copy', options: skopeo.copy } },
    unread: { sync: 'a copy of several images' },
    silent: words(`delete help inspect list-tags login logout manifest-digest standalone-sign
      standalone-verify generate-sigstore-key layers`),
  },
  buildah: {
    global: buildah.global,
    isMixed: true,
    subcommands: {
      ...each('build, bud, build-using-dockerfile', { kind: 'build', options: podman.build }),
      from: { kind: 'run', options: buildah.from },
      pull: { kind: 'pull', options: podman.pull },
    },
    unread: {
      unshare: 'a command in a namespace of its own',
      'source pull': 'a source image',
    },
    silent:
      words(`add commit config containers copy help images info inspect login logout manifest mount
      push rename rm rmi run source tag umount unmount unshare version`),
  },
};

export function isProgram(name: string): name is Program {
  return Object.hasOwn(programs, name);
}

/** The fault of a subcommand of which berth does not know what it starts. */
export function unreadSubcommand(program: Program, subcommand: string, what?: string): Fault {
  return {
    code: 'command-line',
    message:
      what === undefined
        ? `expected a subcommand of ${program} that berth knows, found another, which may need an image`
        : `expected images that the command line names, found ${program} ${subcommand}, which takes ${what}; berth does not read that`,
    hint: 'name the image in a Quadlet unit, or in a list of /usr/lib/berth/images.d',
  };
}
