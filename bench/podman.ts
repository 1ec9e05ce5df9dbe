import { preparePodman, type TestPodman } from '../test/support/podman.ts';
import { wrappedPodman } from '../test/support/podman-wrapper.ts';
import type { BenchedEngine } from './benched-engine.ts';
import type { Row } from './measure.ts';
import { stageRows } from './stage-rows.ts';

const podman: BenchedEngine<TestPodman> = {
  name: 'podman',
  pulls: 'podman pull',
  start: (directory, registry) => start(directory, registry, process.env['PATH']),
  environment: ({ environment }) => environment,
  pull: (engine, name) => engine.podman('pull', '--quiet', name),
  stop: (engine) => engine.stop(),
};

/** @param PATH where podman is found. */
async function start(directory: string, registry: string, PATH: string | undefined) {
  const engine = preparePodman(directory, { insecure: [registry], environment: { PATH } });
  await engine.restart();
  return engine;
}

/**
 * `berth stage` of 8 images into an empty podman, against `podman pull` as bootc calls it: the machine's podman, and
 * Debian forky's.
 */
export async function benchPodman(directory: string): Promise<Row[]> {
  const PATH = wrappedPodman(directory, { suite: 'forky' });
  const newest: BenchedEngine<TestPodman> = {
    ...podman,
    release: 'forky',
    start: (place, registry) => start(place, registry, PATH),
  };
  return [...(await stageRows(directory, podman)), ...(await stageRows(directory, newest))];
}
