import type { ServiceContainer } from '../../engine/containers.ts';
import type { Service } from '../../systemctl/services.ts';

/** An image, with the names by which units mean it. */
interface Named {
  readonly id: string;
  readonly names: readonly {
    readonly name: string;
    readonly references: readonly {
      readonly unit: string;
      readonly path: string;
      readonly scope?: string | undefined;
    }[];
  }[];
}

/** By unit, what each name that it uses means. */
export type Meanings = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** Their services end when they have made something: to restart them does nothing but harm. */
const MAKERS = /\.(image|volume|build)$/;

/** Of the units that run something, those of some scopes. */
export function meaningsByUnit(images: readonly Named[], scopes: ReadonlySet<string>): Meanings {
  const byUnit = new Map<string, Map<string, string>>();
  for (const { id, names } of images) {
    for (const { name, references } of names) {
      for (const { unit, path, scope = 'system' } of references) {
        if (MAKERS.test(path) || !scopes.has(scope)) continue;
        const names = byUnit.get(unit) ?? new Map<string, string>();
        byUnit.set(unit, names.set(name, id));
      }
    }
  }
  return byUnit;
}

/** The same, with those of some units that are instances of a template in its place. */
export function withInstances(meanings: Meanings, units: Iterable<string>): Meanings {
  const all = new Map([...meanings].filter(([unit]) => !unit.endsWith('@.service')));
  for (const unit of units) {
    const names = meanings.get(unit.replace(/@.+\.service$/, '@.service'));
    // An instance may have a file of its own.
    if (names !== undefined && !all.has(unit)) all.set(unit, names);
  }
  return all;
}

/** What a service is looked at with. */
export interface Running {
  readonly service: Service;
  /** What it runs. */
  readonly containers: readonly ServiceContainer[];
  /** What its names are to mean. */
  readonly wanted: ReadonlyMap<string, string>;
  /** What they mean on record. */
  readonly before: ReadonlyMap<string, string> | undefined;
}

/** Whether a service that runs does not run what its unit, and the names in it, say by now. */
export function isChanged({ service, containers, wanted, before }: Running): boolean {
  if (service.stale || isOtherCommand(service, containers)) return true;
  const used = new Set(containers.map(({ image }) => image));
  const isRun = containers.some(({ image, imageId }) => {
    const id = wanted.get(image);
    return id === undefined ? before?.has(image) === true : id !== imageId;
  });
  // What it mounts no container runs.
  const isMounted = [...wanted].some(([name, id]) => {
    const earlier = before?.get(name);
    return !used.has(name) && earlier !== undefined && earlier !== id;
  });
  return isRun || isMounted;
}

export function isRunning(service: Service | undefined): boolean {
  const state = service?.state;
  // A job that is under way ends by itself, and runs what its names mean the next time.
  if (state === 'activating') return service?.type !== 'oneshot';
  return state === 'active' || state === 'reloading';
}

/** systemd does not say how words were quoted, nor what variables stood for. */
function isOtherCommand({ command }: Service, containers: readonly ServiceContainer[]): boolean {
  const [container] = containers;
  if (container === undefined || containers.length > 1) return false;
  // It may be a script that runs podman.
  if (!command.startsWith(`${container.command[0]} `) || command.includes('$')) return false;
  const bare = (text: string) => text.replace(/["'\\\s]/g, '');
  return bare(command) !== bare(container.command.join(''));
}
