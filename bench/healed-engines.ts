import { mkdirSync } from 'node:fs';
import { container } from '../test/support/berth.ts';
import { startContainerd } from '../test/support/containerd.ts';
import { type ImageStore, prepareDocker } from '../test/support/docker.ts';
import { preparePodman } from '../test/support/podman.ts';

/** An engine with a store of its own, and what its own program removes from it. */
interface HealedEngine {
  readonly option: string;
  readonly environment: NodeJS.ProcessEnv;
  /** A file of a root by which the engine needs an image. */
  readonly file: (name: string) => Readonly<Record<string, string>>;
  /** @param name one of two names of an image. */
  readonly removals: (name: string) => readonly (readonly [work: string, remove: Removal])[];
  readonly stop: () => Promise<void>;
}

export type Removal = () => Promise<unknown>;

export type Start = (directory: string, registry: string) => Promise<HealedEngine>;

export const healedEngines = {
  podman: startPodman,
  docker: dockerWith('overlay2'),
  'docker with containerd’s store': dockerWith('containerd'),
  containerd: startTheContainerd,
} satisfies Record<string, Start>;

const PINS = 'the pins of 8 images';
const IMAGE = 'an image with its names and pin, from a registry on loopback,';

async function startPodman(directory: string, registry: string): Promise<HealedEngine> {
  mkdirSync(directory);
  const podman = preparePodman(directory, { insecure: [registry] });
  await podman.restart();
  return {
    option: 'podman',
    environment: podman.environment,
    file: (name) => container(unitOf(name), name),
    removals: (name) => [
      ['a name', () => podman.podman('untag', name, name)],
      [PINS, () => podman.podman('rm', '--all')],
      [IMAGE, () => podman.podman('rmi', '--force', name.replace(':also', ':1'), name)],
    ],
    stop: podman.stop,
  };
}

function dockerWith(store: ImageStore): Start {
  return async (directory) => {
    mkdirSync(directory);
    const docker = prepareDocker(directory, { suite: 'trixie', store });
    await docker.restart();
    return {
      option: 'docker',
      environment: { DOCKER_HOST: docker.environment['DOCKER_HOST'] },
      file: (name) => ({
        [`usr/lib/systemd/system/${unitOf(name)}.service`]: `[Service]\nExecStart=/usr/bin/docker run --rm ${name}\n`,
      }),
      removals: (name) => [
        ['a name', () => docker.docker('rmi', name)],
        [PINS, () => docker.docker('container', 'prune', '--force')],
        [IMAGE, async () => docker.docker('rmi', '--force', await idOf(docker.docker, name))],
      ],
      stop: docker.kill,
    };
  };
}

async function idOf(docker: (...words: string[]) => Promise<string>, name: string) {
  return docker('image', 'inspect', '--format', '{{.Id}}', name);
}

async function startTheContainerd(_directory: string, registry: string): Promise<HealedEngine> {
  const ends: (() => unknown)[] = [];
  const after = (end: () => unknown) => void ends.push(end);
  const containerd = await startContainerd({ after }, 'trixie', { insecure: [registry] });
  const ctr = (...words: string[]) => containerd.ctr('--namespace', 'k8s.io', ...words);
  return {
    option: 'containerd',
    environment: { CONTAINERD_ADDRESS: containerd.socket },
    file: (name) => ({
      [`usr/lib/berth/images.d/${unitOf(name)}.list`]: `# engine: containerd\n${name}\n`,
    }),
    removals: (name) => [
      ['a name', () => ctr('images', 'rm', name)],
      [
        PINS,
        async () => {
          const leases = await ctr('leases', 'ls', '--quiet');
          for (const lease of leases.split('\n'))
            if (lease !== '') await ctr('leases', 'rm', lease);
        },
      ],
    ],
    stop: async () => {
      for (const end of ends.reverse()) await end();
    },
  };
}

function unitOf(name: string): string {
  return name.replace(/[^a-z0-9]/g, '-');
}
