import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Machine, type Outcome, startMachine } from './berth.ts';
import { startPodman, type TestPodman } from './podman.ts';
import { type WrappedPodman, wrappedPodman } from './podman-wrapper.ts';

/** A machine whose engine is a real podman with a store of its own. */
export interface PodmanLab extends Machine {
  readonly engine: TestPodman;
  /** A command of berth on that engine. */
  readonly run: (command: string, ...words: string[]) => Promise<Outcome>;
}

interface LabOptions {
  readonly wrapped?: WrappedPodman;
  /** The podman's containers.conf. */
  readonly configuration?: string;
}

export async function startPodmanLab(
  t: TestContext,
  { wrapped, configuration }: LabOptions = {},
): Promise<PodmanLab> {
  const machine = await startMachine(t);
  const { directory, environment } = machine;
  const PATH = wrapped === undefined ? environment['PATH'] : wrappedPodman(directory, wrapped);
  const engine = await startPodman(t, { environment: { ...environment, PATH } });
  if (configuration !== undefined) {
    const file = join(engine.directory, 'containers.conf');
    await engine.restart(() => writeFileSync(file, configuration));
    environment['CONTAINERS_CONF'] = file;
  }
  machine.environment['CONTAINER_HOST'] = `unix://${engine.socket}`;
  return {
    ...machine,
    engine,
    run: (command, ...words) => machine.berth(command, '--engine', 'podman', ...words),
  };
}
