import type { ServiceContainer, ServicePod } from '../../engine/containers.ts';
import type { Service } from '../../systemctl/services.ts';

/** An image, with the names that units use for it. */
interface Named {
  readonly id: string;
  readonly names: readonly {
    readonly name: string;
    readonly references: readonly {
      readonly raw: string;
      readonly unit: string;
      readonly path: string;
      readonly scope?: string | undefined;
    }[];
  }[];
}

/** The image id that each name means, by unit and by name. */
export type Meanings = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** Files whose services only make something and end: restarting these services would do harm. */
const MAKERS = /\.(artifact|image|volume|build)$/;

/** The command by which the unit of a pod makes the pod. */
const MAKES_POD = /^\S*podman( .*)? pod create /;

/**
 * The names that the units of some scopes use, without units that run nothing. A name that does not
 * depend on the instance counts for the template as well: people start instances that no file names.
 */
export function meaningsByUnit(images: readonly Named[], scopes: ReadonlySet<string>): Meanings {
  const byUnit = new Map<string, Map<string, string>>();
  for (const { id, names } of images) {
    for (const { name, references } of names) {
      for (const { raw, unit, path, scope = 'system' } of references) {
        if (MAKERS.test(path) || !scopes.has(scope)) continue;
        const template = raw.includes('%') ? unit : templateOf(unit);
        for (const each of new Set([unit, template])) {
          const names = byUnit.get(each) ?? new Map<string, string>();
          byUnit.set(each, names.set(name, id));
        }
      }
    }
  }
  return byUnit;
}

function templateOf(unit: string): string {
  return unit.replace(/@.+\.service$/, '@.service');
}

/** Replaces templates (`app@.service`) by those of the units that are their instances. */
export function withInstances(meanings: Meanings, units: Iterable<string>): Meanings {
  const all = new Map([...meanings].filter(([unit]) => !unit.endsWith('@.service')));
  for (const unit of units) {
    const names = meanings.get(templateOf(unit));
    // An instance may have a file of its own.
    if (names !== undefined && !all.has(unit)) all.set(unit, names);
  }
  return all;
}

/** Replaces aliases of services by the services' own names. */
export function withoutAliases(
  meanings: Meanings,
  services: ReadonlyMap<string, Service>,
): Meanings {
  const owners = new Map<string, string>();
  for (const { unit, names } of services.values()) {
    for (const name of names) owners.set(name, unit);
  }
  const all = new Map<string, ReadonlyMap<string, string>>();
  for (const [name, meant] of meanings) {
    const unit = owners.get(name) ?? name;
    all.set(unit, new Map([...(all.get(unit) ?? []), ...meant]));
  }
  return all;
}

/** Adds the services that make the pods of others. They run no image that their files name. */
export function withPods(meanings: Meanings, services: ReadonlyMap<string, Service>): Meanings {
  const all = new Map(meanings);
  for (const unit of meanings.keys()) {
    for (const pod of podsOf(unit, services)) if (!all.has(pod)) all.set(pod, new Map());
  }
  return all;
}

/** The services that make a pod and that a service is started after. */
export function podsOf(unit: string, services: ReadonlyMap<string, Service>): readonly string[] {
  const makesPod = (one: string) =>
    services.get(one)?.preparations.some((command) => MAKES_POD.test(command)) === true;
  return services.get(unit)?.after.filter(makesPod) ?? [];
}

/** A service, the containers that it runs, and the images that it should run. */
export interface Running {
  readonly service: Service;
  /** The containers that the service runs. */
  readonly containers: readonly ServiceContainer[];
  /** The pods that the service runs. */
  readonly pods: readonly ServicePod[];
  /** The image ids that the service's names are to mean. */
  readonly wanted: ReadonlyMap<string, string>;
  /** The image ids that the names mean on record. */
  readonly before: ReadonlyMap<string, string> | undefined;
}

/** Whether a running service differs from its unit: in the command, or in an image that a name means. */
export function isChanged({ service, containers, pods, wanted, before }: Running): boolean {
  if (service.stale || isOtherCommand(service, containers) || isOtherPod(service, pods))
    return true;
  const used = new Set(containers.map(({ image }) => image));
  const isRun = containers.some(({ image, imageId }) => {
    const id = wanted.get(image);
    return id === undefined ? before?.has(image) === true : id !== imageId;
  });
  // An image that is only mounted is not the image of any container.
  const isMounted = [...wanted].some(([name, id]) => {
    const earlier = before?.get(name);
    return !used.has(name) && earlier !== undefined && earlier !== id;
  });
  return isRun || isMounted;
}

export function isRunning(service: Service | undefined): boolean {
  const state = service?.state;
  // A job under way ends by itself, and its next start uses the new images.
  if (state === 'activating') return service?.type !== 'oneshot';
  return state === 'active' || state === 'reloading';
}

/**
 * Whether the unit's command is another than that of the running container. They are compared without
 * quotes and spaces, as systemd does not tell how words were quoted; a command with variables counts as
 * the same, as systemd does not tell their values.
 */
function isOtherCommand({ command }: Service, containers: readonly ServiceContainer[]): boolean {
  const [container] = containers;
  if (container === undefined || containers.length > 1) return false;
  // The service may run a script that runs podman.
  if (!command.startsWith(`${container.command[0]} `)) return false;
  return isOther(command, container.command);
}

/** Whether the unit would make its pod by another command than the one that made the pod that runs. */
function isOtherPod({ preparations }: Service, pods: readonly ServicePod[]): boolean {
  const [pod] = pods;
  if (pod === undefined || pods.length > 1) return false;
  const makes = preparations.find(
    (command) => command.startsWith(`${pod.command[0]} `) && MAKES_POD.test(command),
  );
  return makes !== undefined && isOther(makes, pod.command);
}

function isOther(command: string, words: readonly string[]): boolean {
  const bare = (text: string) => text.replace(/["'\\\s]/g, '');
  return !command.includes('$') && bare(command) !== bare(words.join(''));
}
