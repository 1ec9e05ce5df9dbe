import type { ServiceContainer } from '../../engine/containers.ts';
import type { Journal } from '../../state/apply-journal.ts';
import type { RootRecord } from '../../state/record.ts';
import type { Service, ServiceManager } from '../../systemctl/services.ts';
import type { EngineContext } from '../context.ts';
import { isChanged, isRunning, type Meanings, meaningsByUnit, withInstances } from './changed.ts';

export interface AppliedService {
  readonly unit: string;
  /** The containers that the service ran before. */
  readonly containers: readonly ServiceContainer[];
  /**
   * `false`: nothing had to be done. `pending`: the service was not reached and is unchanged. `failed`:
   * the service is not up, neither with the new image nor with the one before.
   */
  readonly updated: 'true' | 'false' | 'pending' | 'rolled back' | 'failed';
  /** Why the service did not come up, if it did not. */
  readonly message?: string;
}

/** The services and containers that run, the images that they should run, and those on record. */
export interface Seen {
  readonly services: ReadonlyMap<string, Service>;
  readonly containers: readonly ServiceContainer[];
  readonly wanted: Meanings;
  readonly recorded: Meanings;
}

export async function look(
  { engine }: EngineContext,
  manager: ServiceManager,
  images: Parameters<typeof meaningsByUnit>[0],
  before: RootRecord | undefined,
  journal: Journal | undefined,
): Promise<Seen> {
  const wanted = meaningsByUnit(images, manager.scopes);
  const recorded = meaningsByUnit(
    (before?.staged?.images ?? []).filter((image) => image.engine === engine.id),
    manager.scopes,
  );
  const services = await manager.all([...wanted.keys(), ...(journal?.due ?? [])]);
  const units = [...services.keys()];
  return {
    services,
    containers: (await engine.containers?.()) ?? [],
    wanted: withInstances(wanted, units),
    recorded: withInstances(recorded, units),
  };
}

/** The running services of a root, and whether each has to be restarted. */
export function judgeServices(
  { services, containers, wanted, recorded }: Seen,
  journal: Journal | undefined,
): readonly AppliedService[] {
  return [...wanted].flatMap(([unit, names]) => {
    const service = services.get(unit);
    const own = containers.filter((container) => container.unit === unit);
    const isDue = journal?.due.includes(unit) === true;
    if (service === undefined || !service.loaded) return [];
    if (!isDue && !isRunning(service)) return [];
    const looked = { service, containers: own, wanted: names, before: recorded.get(unit) };
    const updated = isDue || isChanged(looked) ? 'pending' : 'false';
    return [{ unit, containers: own, updated }];
  });
}

export function newAndIdle({ services, wanted, recorded }: Seen): readonly string[] {
  return [...wanted.keys()].filter((unit) => {
    const service = services.get(unit);
    if (service === undefined || recorded.has(unit) || service.type === 'oneshot') return false;
    return service.loaded && !isRunning(service);
  });
}
