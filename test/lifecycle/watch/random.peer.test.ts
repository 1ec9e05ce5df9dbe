import { join } from 'node:path';
import test from 'node:test';
import { openPodman } from '../../../src/engine/podman/podman.ts';
import { podmanCommands } from '../../engine/contract/podman-commands.ts';
import { startTestedContainerd } from '../../engine/contract/tested-containerd.ts';
import { startTestedDocker } from '../../engine/contract/tested-docker.ts';
import type { TestedEngine } from '../../engine/contract/tested-engine.ts';
import { skipContainerd } from '../../support/containerd.ts';
import { skipDocker } from '../../support/docker.ts';
import { skipPodman } from '../../support/podman.ts';
import { type PodmanLab, startPodmanLab } from '../../support/podman-lab.ts';
import { loseAtRandom } from './random-losses.ts';

test('whatever podman’s own program removes comes back', { skip: skipPodman }, async (t) => {
  await loseAtRandom(t, testedPodman(await startPodmanLab(t)));
});

test('whatever containerd’s own program removes comes back', {
  skip: skipContainerd,
}, async (t) => {
  await loseAtRandom(t, await startTestedContainerd(t, 'trixie', 'cri'));
});

for (const store of ['overlay2', 'containerd'] as const) {
  test(`whatever docker’s own program removes comes back, with the store ${store}`, {
    skip: skipDocker,
  }, async (t) => {
    await loseAtRandom(t, await startTestedDocker(t, { suite: 'trixie', store }));
  });
}

/** The podman of a lab as the contract suite sees an engine, without a host that boots. */
function testedPodman(lab: PodmanLab): TestedEngine {
  const { engine } = lab;
  const restart = () => engine.restart();
  const open = () =>
    openPodman({
      user: false,
      pinKey: join(lab.directory, 'state/pins.key'),
      environment: engine.environment,
    });
  const refuse = () => Promise.reject(new Error('no test of the watcher needs it'));
  // A reset leaves a service behind that has the store open, and no container of these can be started.
  const commands = podmanCommands(engine, restart).filter(({ row }) => !/reset| start /.test(row));
  return {
    table: 'podman',
    column: 'own',
    version: 'podman',
    machine: lab,
    option: 'podman',
    open,
    restart,
    commands,
    untag: async (name, id) => void (await engine.podman('untag', id, name)),
    reboot: restart,
    clear: refuse,
    killDuring: refuse,
    pinDirectory: engine.directory,
  };
}
