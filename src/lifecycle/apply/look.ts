import type { ServiceContainer, ServicePod } from '../../engine/containers.ts';
import type { Journal } from '../../state/apply-journal.ts';
import type { RootRecord } from '../../state/record.ts';
import type { Service, ServiceManager } from '../../systemctl/services.ts';
import type { EngineContext } from '../context.ts';
import {
  isChanged,
  isRunning,
  type Meanings,
  meaningsByUnit,
  withInstances,
  withoutAliases,
  withPods,
} from './changed.ts';

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

/** The services, containers and pods that run, the images that they should run, and those on record. */
export interface Seen {
  readonly services: ReadonlyMap<string, Service>;
  readonly containers: readonly ServiceContainer[];
  readonly pods: readonly ServicePod[];
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
  const ran = [...(journal?.due ?? []), ...(journal?.dependants ?? [])];
  const services = await manager.all([...wanted.keys(), ...ran]);
  const loaded = (meanings: Meanings) => loadedOf(meanings, services);
  return {
    services,
    containers: (await engine.containers?.()) ?? [],
    pods: (await engine.pods?.()) ?? [],
    wanted: loaded(wanted),
    recorded: loaded(recorded),
  };
}

/** The meanings by loaded services: only systemd knows instances, aliases, and which services make pods. */
function loadedOf(meanings: Meanings, services: Seen['services']): Meanings {
  const names = [...services.values()].flatMap((service) => service.names);
  return withPods(withoutAliases(withInstances(meanings, names), services), services);
}

/** The running services of a root, and whether each has to be restarted. */
export function judgeServices(
  { services, containers, pods, wanted, recorded }: Seen,
  journal: Journal | undefined,
): readonly AppliedService[] {
  return [...wanted].flatMap(([unit, names]) => {
    const service = services.get(unit);
    const own = containers.filter((container) => container.unit === unit);
    if (service === undefined || !service.loaded) return [];
    const isDown = !isRunning(service);
    const isDue =
      journal?.due.includes(unit) === true ||
      (isDown && journal?.dependants.includes(unit) === true);
    if (isDown && !isDue) return [];
    const ownPods = pods.filter((pod) => pod.unit === unit);
    const before = recorded.get(unit);
    const looked = { service, containers: own, pods: ownPods, wanted: names, before };
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
