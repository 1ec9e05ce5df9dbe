import { type EngineId, takesEverything } from '../common/engine-id.ts';
import { once } from '../common/once.ts';
import type { Engine } from '../engine/engine.ts';
import type { Engines } from '../engine/engines.ts';
import { type EnginesOptions, openEngine } from './engines/open-engine.ts';
import { podmanOfCaller } from './self.ts';

export interface OpenedEngines extends Engines {
  close(): Promise<void>;
}

/** The engines of this host, or of the calling user. None is opened yet. */
export async function hostEngines(options: EnginesOptions): Promise<OpenedEngines> {
  const { configured, user } = options;
  const { own, asked, all, only, lists } = chosenEngines(options);
  const depots = once(async () => {
    const { openDepots } = await import('../store/depot.ts');
    const { storeDirectory: directory, registry } = options;
    return openDepots({ directory, registry, unnamedEngine: own });
  });
  const opened = new Map<EngineId, Promise<Engine>>();
  const open = (id: EngineId) => {
    const engine = opened.get(id) ?? openEngine(id, own, depots, options);
    opened.set(id, engine);
    // A failure is not kept: the next call tries again.
    engine.catch(() => opened.delete(id));
    return engine;
  };
  return {
    own,
    usual: asked ?? (user ? undefined : configured) ?? (await usualEngine(own, options)),
    all,
    only,
    lists,
    waitedFor: async () => (await depots()).engines(),
    present: async () => {
      const { presentEngines } = await import('./engines/present-engines.ts');
      return presentEngines(options);
    },
    open,
    forget: async (id) => {
      const engine = opened.get(id);
      opened.delete(id);
      await (await engine)?.close();
    },
    close: async () => {
      for (const engine of [...opened.values()].reverse()) {
        await (await engine.catch(() => undefined))?.close();
      }
    },
  };
}

/** The engines that a caller chooses, by options and berth.toml. */
export interface ChosenEngines extends Pick<Engines, 'own' | 'all' | 'only' | 'lists'> {
  /** The engine that the caller names. */
  readonly asked: EngineId | undefined;
}

export function chosenEngines({
  name,
  configured,
  user,
}: Pick<EnginesOptions, 'name' | 'configured' | 'user'>): ChosenEngines {
  const own = user ? podmanOfCaller() : 'podman';
  const asked = name === 'podman' ? own : name;
  const all = [asked ?? configured].find((id) => id !== undefined && takesEverything(id));
  const isNarrow = all === undefined && (asked !== undefined || user);
  const only = isNarrow ? (asked ?? own) : undefined;
  return { own, asked, all, only, lists: all === undefined ? configured : undefined };
}

/** podman if its program or socket is found, or else the store. */
async function usualEngine(
  own: EngineId,
  { user, environment, target }: EnginesOptions,
): Promise<EngineId> {
  const { podmanPresent } = await import('../engine/podman/podman.ts');
  return target !== undefined || podmanPresent(user, environment) ? own : 'store';
}
