import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { openContainerd } from '../../../src/engine/containerd/containerd.ts';
import { startMachine } from '../../support/berth.ts';
import { type ContainerdSuite, startContainerd } from '../../support/containerd.ts';
import { client } from '../../support/registry-client.ts';
import { make, withEngine } from './calls.ts';
import { containerdCommands } from './containerd-commands.ts';
import type { TestedEngine } from './tested-engine.ts';

/** The namespace of the tests without the CRI. */
const PLAIN = 'plain';

/**
 * The containerd of a Debian release, on this machine.
 *
 * @param how `cri`: the namespace of Kubernetes, which the CRI serves. `plain`: another namespace, of a
 *   containerd whose CRI is off.
 */
export async function startTestedContainerd(
  t: TestContext,
  suite: ContainerdSuite,
  how: 'cri' | 'plain',
): Promise<TestedEngine> {
  const machine = await startMachine(t);
  const registry = client(t, [machine.registry]);
  const cri = how === 'cri';
  const containerd = await startContainerd(t, suite, { cri, insecure: [machine.registry.host] });
  const namespace = cri ? 'k8s.io' : PLAIN;
  machine.environment['CONTAINERD_ADDRESS'] = containerd.socket;
  const { socket, directory } = containerd;
  const pinKey = join(machine.directory, 'state/pins.key');
  const open = () => openContainerd({ socket, namespace, pinKey, registry, patience: 2000 });
  const reboot = () =>
    containerd.restart(() => rmSync(join(directory, 'run'), { recursive: true }));
  const option = cri ? 'containerd' : `containerd:${PLAIN}`;
  const ctr = (...words: string[]) => containerd.tryCtr('--namespace', namespace, ...words);
  return {
    table: cri ? 'containerd' : 'containerd without CRI',
    column: suite,
    version: `containerd ${containerd.version}`,
    machine,
    option,
    file: (name) => ({
      [`usr/lib/berth/images.d/${name.replace(/[^a-z0-9]/g, '-')}.list`]: `# engine: ${option}\n${name}\n`,
    }),
    open,
    untag: async (name) => {
      const { code, stderr } = await ctr('images', 'rm', name);
      if (code !== 0) throw new Error(stderr);
    },
    restart: () => containerd.restart(),
    reboot,
    clear: () => containerd.restart(() => rmSync(join(directory, 'root'), { recursive: true })),
    killDuring: async (call, isUnderWay) => {
      await withEngine({ open }, async (engine) => {
        const over = make(engine, call);
        // A call may end before its engine is killed, but it must not fail.
        await Promise.race([isUnderWay, over]);
        await containerd.kill();
        await over.catch(() => undefined);
      });
      await containerd.restart();
    },
    pinDirectory: join(directory, 'root/io.containerd.metadata.v1.bolt'),
    commands: containerdCommands({ ctr, socket, cri, restart: containerd.restart, reboot }),
  };
}
