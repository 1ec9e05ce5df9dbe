import type { TestContext } from 'node:test';
import { type Machine, type Outcome, startMachine } from './berth.ts';
import { startPodman, type TestPodman, type TestPodmanOptions } from './podman.ts';

/** A machine whose engine is a real podman with a store of its own. */
export interface PodmanLab extends Machine {
  readonly engine: TestPodman;
  /** A command of berth on that engine. */
  readonly run: (command: string, ...words: string[]) => Promise<Outcome>;
}

export async function startPodmanLab(
  t: TestContext,
  options: TestPodmanOptions = {},
): Promise<PodmanLab> {
  const machine = await startMachine(t);
  const engine = await startPodman(t, { ...options, environment: machine.environment });
  machine.environment['CONTAINER_HOST'] = `unix://${engine.socket}`;
  return {
    ...machine,
    engine,
    run: (command, ...words) => machine.berth(command, '--engine', 'podman', ...words),
  };
}
