import type { EngineId } from '../common/engine-id.ts';
import type { Engine } from '../engine/engine.ts';
import type { PodmanTarget } from '../engine/podman/api/connect.ts';
import type { Registry } from '../registry/registry.ts';

export interface EngineOptions {
  /** As configured; undefined leaves the choice to what is there. */
  readonly name: EngineId | undefined;
  /** The calling user's engine instead of the system's. */
  readonly user: boolean;
  /** A podman of berth's own, not the one that listens. */
  readonly alone: boolean;
  /** An OS that is not running yet, whose podman's storage it is. */
  readonly target?: PodmanTarget | undefined;
  /** The key with which pins are sealed: a file that need not exist. */
  readonly pinKey: string;
  /** Told what berth found and lets be. */
  readonly warn: (message: string) => void;
  /** Where the embedded store is, or would be. */
  readonly storeDirectory: string;
  readonly registry: Registry;
}

/** Opens the engine: as configured, else podman where its program or socket is, else the store. */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  const { storeDirectory: directory, registry } = options;
  if (options.name !== 'store') {
    const { podmanPresent } = await import('../engine/podman/api/locate.ts');
    if (options.name === 'podman' || podmanPresent(options.user)) {
      const { openPodman } = await import('../engine/podman/podman.ts');
      const { openDepot } = await import('../store/depot.ts');
      const { user, alone, target, pinKey, warn } = options;
      const { isForHost } = await import('../engine/podman/fetch/pull.ts');
      const depot = openDepot({ directory, registry }, isForHost);
      return openPodman({ user, alone, target, pinKey, warn, depot });
    }
  }
  const { openStore } = await import('../store/store.ts');
  return openStore({ directory, registry });
}
