import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { openDocker } from '../../../src/engine/docker/docker.ts';
import { startMachine } from '../../support/berth.ts';
import { prepareDocker, type TestDockerOptions } from '../../support/docker.ts';
import { make, withEngine } from './calls.ts';
import { dockerCommands } from './docker-commands.ts';
import type { TestedEngine } from './tested-engine.ts';

/** A docker of a Debian release, with one of its image stores, on this machine. */
export async function startTestedDocker(
  t: TestContext,
  { suite, store = 'overlay2' }: TestDockerOptions,
): Promise<TestedEngine> {
  const machine = await startMachine(t);
  const directory = join(machine.directory, 'docker');
  mkdirSync(directory);
  const docker = prepareDocker(directory, { suite, store });
  t.after(() => docker.kill());
  await docker.restart();
  machine.environment['DOCKER_HOST'] = docker.environment['DOCKER_HOST'];
  const open = () =>
    openDocker({
      id: 'docker',
      socket: docker.socket,
      pinKey: join(machine.directory, 'state/pins.key'),
      credentials: async () => undefined,
    });
  const containers = join(directory, 'data/containers');
  const version = await docker.docker('version', '--format', '{{.Server.Version}}');
  return {
    table: 'docker',
    column: `${suite}, ${store === 'containerd' ? 'containerd’s store' : store}`,
    version: `docker ${version.replace(/\+.*/, '')}`,
    machine,
    option: 'docker',
    file: service,
    open,
    untag: async (name) => void (await docker.docker('rmi', name)),
    restart: () => docker.restart(),
    // What docker keeps in /run is gone after each of its ends.
    reboot: () => docker.restart(),
    clear: async () => {
      await docker.restart(() => {
        rmSync(join(directory, 'data'), { recursive: true, force: true });
      });
    },
    killDuring: async (call, isUnderWay) => {
      await withEngine({ open }, async (engine) => {
        const over = make(engine, call);
        // A call may end before its engine is killed, but it must not fail.
        await Promise.race([isUnderWay, over]);
        await docker.kill();
        await over.catch(() => undefined);
      });
      await docker.restart();
    },
    pinDirectory: containers,
    commands: dockerCommands(docker),
  };
}

/** A service that starts a container of docker. */
function service(name: string): Readonly<Record<string, string>> {
  const unit = name.replace(/[^a-z0-9]/g, '-');
  return {
    [`usr/lib/systemd/system/${unit}.service`]: `[Service]\nExecStart=/usr/bin/docker run --rm ${name}\n`,
  };
}
