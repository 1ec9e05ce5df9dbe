import type { ServiceContainer } from '../../engine/containers.ts';
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

/** A service, the containers that it runs, and the images that it should run. */
export interface Running {
  readonly service: Service;
  /** The containers that the service runs. */
  readonly containers: readonly ServiceContainer[];
  /** The image ids that the service's names are to mean. */
  readonly wanted: ReadonlyMap<string, string>;
  /** The image ids that the names mean on record. */
  readonly before: ReadonlyMap<string, string> | undefined;
}

/** Whether a running service differs from its unit: in the command, or in an image that a name means. */
export function isChanged({ service, containers, wanted, before }: Running): boolean {
  if (service.stale || isOtherCommand(service, containers)) return true;
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
  if (!command.startsWith(`${container.command[0]} `) || command.includes('$')) return false;
  const bare = (text: string) => text.replace(/["'\\\s]/g, '');
  return bare(command) !== bare(container.command.join(''));
}
