import type { EngineId } from '../common/engine-id.ts';
import type { Engine } from '../engine/engine.ts';
import type { PodmanTarget } from '../engine/podman/podman.ts';
import { servesOf } from '../engine/serves.ts';
import type { Registry } from '../registry/registry.ts';

export interface EngineOptions {
  /** The configured engine; if undefined, the installed programs decide. */
  readonly name: EngineId | undefined;
  /** The calling user's engine instead of the system's. */
  readonly user: boolean;
  readonly environment: NodeJS.ProcessEnv;
  /** Start a podman service for this engine alone, even if one listens. */
  readonly alone: boolean;
  /** An OS that is not running yet, whose podman storage is used. */
  readonly target: PodmanTarget | undefined;
  /** The file with the key that seals pins; it need not exist. */
  readonly pinKey: string;
  /** Called for containers that falsely claim to be berth's; they are ignored. */
  readonly warn: (message: string) => void;
  /** The directory of the embedded store, which need not exist. */
  readonly storeDirectory: string;
  readonly registry: Registry;
}

/** Opens the configured engine; otherwise podman if its program or socket is found, or else the store. */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  const { name, storeDirectory: directory, registry } = options;
  if (name !== 'store') {
    const { openPodman, podmanPresent } = await import('../engine/podman/podman.ts');
    const { user, environment, alone, target, pinKey, warn } = options;
    if (name === 'podman' || podmanPresent(user, environment)) {
      const { openDepot } = await import('../store/depot.ts');
      const serves = servesOf('podman');
      const depot = openDepot({ directory, registry }, { engine: 'podman', serves });
      return openPodman({ user, environment, alone, target, pinKey, warn, depot });
    }
  }
  const { openStore } = await import('../store/store.ts');
  return openStore({ directory, registry });
}
