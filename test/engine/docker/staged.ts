import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Machine, startMachine, writeRoot } from '../../support/berth.ts';
import type { Suite } from '../../support/debian-root.ts';
import { type ImageStore, startDocker, type TestDocker } from '../../support/docker.ts';

/** A machine with a docker, of Debian trixie unless said otherwise, and roots whose services run containers of docker. */
export interface DockerMachine {
  readonly machine: Machine;
  readonly docker: TestDocker;
  /** Writes a root whose services run these images, and returns its path. */
  readonly root: (id: string, ...names: readonly string[]) => string;
}

export async function startDockerMachine(
  t: TestContext,
  store: ImageStore,
  suite: Suite = 'trixie',
): Promise<DockerMachine> {
  const machine = await startMachine(t);
  const docker = await startDocker(t, { suite, store });
  machine.environment['DOCKER_HOST'] = docker.environment['DOCKER_HOST'];
  const root = (id: string, ...names: readonly string[]) =>
    writeRoot(
      join(machine.directory, id),
      Object.fromEntries(names.map((name, index) => [unitPath(index), unitOf(name)])),
    );
  return { machine, docker, root };
}

function unitPath(index: number): string {
  return `usr/lib/systemd/system/app${index}.service`;
}

function unitOf(name: string): string {
  return `[Service]\nExecStart=/usr/bin/docker run --rm ${name}\n[Install]\nWantedBy=multi-user.target\n`;
}
