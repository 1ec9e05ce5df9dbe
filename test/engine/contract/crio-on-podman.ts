import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { openCrio } from '../../../src/engine/crio/crio.ts';
import { openPodman } from '../../../src/engine/podman/podman.ts';
import { openDepots } from '../../../src/store/depot.ts';
import { startMachine } from '../../support/berth.ts';
import { type CrioStandIn, crioStandIn } from '../../support/cri-server.ts';
import { startPodman } from '../../support/podman.ts';
import { client } from '../../support/registry-client.ts';
import { make, withEngine } from './calls.ts';
import { crioCommands } from './crio-commands.ts';
import type { TestedEngine } from './tested-engine.ts';

/**
 * CRI-O's protocol on the storage of a real podman. The program itself is in no suite of Debian, and a
 * stand-in speaks its protocol.
 */
export async function startCrio(
  t: TestContext,
): Promise<TestedEngine & { readonly crio: CrioStandIn }> {
  const machine = await startMachine(t);
  const podman = await startPodman(t, { insecure: [machine.registry.host] });
  const crio = crioStandIn({ podman, directory: machine.directory });
  mkdirSync(crio.dropIns, { recursive: true });
  await crio.start();
  t.after(() => crio.stop());
  const reload = () => void crio.reload();
  process.on('SIGHUP', reload);
  t.after(() => process.off('SIGHUP', reload));
  Object.assign(machine.environment, {
    PATH: `${systemctlIn(machine.directory)}:${machine.environment['PATH']}`,
    CONTAINER_HOST: podman.environment['CONTAINER_HOST'],
    CONTAINER_RUNTIME_ENDPOINT: `unix://${crio.socket}`,
    CONTAINER_CONFIG: crio.main,
    CONTAINER_CONFIG_DIR: crio.dropIns,
  });
  const registry = client(t, [machine.registry]);
  const state = join(machine.directory, 'state');
  const open = async () => {
    const depots = openDepots({
      directory: join(state, 'store'),
      registry,
      unnamedEngine: 'podman',
    });
    const depot = depots.forEngine({ engine: 'crio', serves: () => true });
    const pinKey = join(state, 'pins.key');
    const { environment } = podman;
    return openCrio({
      socket: crio.socket,
      registry,
      depot,
      openSharedPodman: () => openPodman({ id: 'crio', user: false, environment, pinKey, depot }),
      places: crio,
      lock: join(state, 'locks/crio'),
      reload: async () => crio.reload(),
      warn: () => undefined,
    });
  };
  const restart = async () => {
    await crio.stop();
    await podman.restart();
    await crio.start();
  };
  return {
    crio,
    table: 'crio',
    column: 'protocol',
    version: 'CRI-O 1.36',
    machine,
    option: 'crio',
    file: listed,
    open,
    untag: async (name, id) => void (await podman.podman('untag', id, name)),
    restart,
    reboot: restart,
    clear: async () => {
      await podman.podman('rmi', '--all', '--force');
      rmSync(crio.dropIns, { recursive: true });
      mkdirSync(crio.dropIns);
      crio.reload();
    },
    killDuring: async (call, isUnderWay) => {
      await withEngine({ open }, async (engine) => {
        const over = make(engine, call);
        await Promise.race([isUnderWay, over]);
        await crio.stop();
        // A pin asks again, as long as CRI-O may be restarting; a fetch would go on as if nothing had been.
        if ('pin' in call) await crio.start();
        await over.catch(() => undefined);
      });
      if ('fetch' in call) await crio.start();
    },
    pinDirectory: crio.dropIns,
    commands: crioCommands(crio, podman, restart),
  };
}

/** A systemctl that sends SIGHUP to the stand-in: to this process. */
function systemctlIn(directory: string): string {
  const programs = join(directory, 'programs');
  mkdirSync(programs);
  const script = `#!/bin/sh\n[ "$*" = "kill --kill-whom=main --signal=SIGHUP -- crio.service" ] && kill -HUP ${process.pid}\n`;
  writeFileSync(join(programs, 'systemctl'), script, { mode: 0o755 });
  return programs;
}

/** A list of images in a root. */
function listed(name: string): Readonly<Record<string, string>> {
  const file = `usr/lib/berth/images.d/${name.replace(/[^a-z0-9]/g, '-')}.list`;
  return { [file]: `# engine: crio\n${name}\n` };
}
