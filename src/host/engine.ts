import type { EngineId } from '../common/engine-id.ts';
import type { Engine } from '../engine/engine.ts';
import type { PodmanTarget } from '../engine/podman/podman.ts';
import type { Registry } from '../registry/registry.ts';

export interface EngineOptions {
  /** As configured; undefined leaves the choice to what is there. */
  readonly name: EngineId | undefined;
  /** The calling user's engine instead of the system's. */
  readonly user: boolean;
  readonly environment: NodeJS.ProcessEnv;
  /** Start a podman for this engine alone, also where one listens. */
  readonly alone: boolean;
  /** An OS that is not running yet, whose podman storage is used. */
  readonly target: PodmanTarget | undefined;
  /** The file with the key that seals pins; it need not exist. */
  readonly pinKey: string;
  /** Told about containers that pretend to be berth's, which are left alone. */
  readonly warn: (message: string) => void;
  /** Where the embedded store is, or would be. */
  readonly storeDirectory: string;
  readonly registry: Registry;
}

/** Opens the engine: as configured, else podman where its program or socket is, else the store. */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  const { name, storeDirectory: directory, registry } = options;
  if (name !== 'store') {
    const { isForHost, openPodman, podmanPresent } = await import('../engine/podman/podman.ts');
    const { user, environment, alone, target, pinKey, warn } = options;
    if (name === 'podman' || podmanPresent(user, environment)) {
      const { openDepot } = await import('../store/depot.ts');
      const depot = openDepot({ directory, registry }, isForHost);
      return openPodman({ user, environment, alone, target, pinKey, warn, depot });
    }
  }
  const { openStore } = await import('../store/store.ts');
  return openStore({ directory, registry });
}
