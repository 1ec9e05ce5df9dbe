import type { Problem } from '../problem.ts';
import type { ServiceRefusal } from '../refusal/service-refusal.ts';
import type { SystemdUnits } from '../systemd-unit.ts';
import { parseUnitName, withInstance } from '../unit-name.ts';
import { type Activation, type BootWalk, walkBoot } from './boot-walk.ts';
import { chains } from './chains.ts';
import { requirements, type Unmet } from './requirements.ts';

/** How a unit comes to start. */
export interface Start {
  readonly activation: Activation | 'none' | 'unknown';
  /** The shortest chain from `default.target` to the unit (`Chain`); empty if it has none. */
  readonly via: readonly string[];
  /** The conditions of the units in the chain: `app.service: ConditionPathExists=/x`. */
  readonly conditions: readonly string[];
  /** Why systemd refuses the unit, if it does: the activation is then `none`. */
  readonly refusal?: ServiceRefusal;
  /** The requirement for which systemd does not start the unit: the activation is then `none`. */
  readonly unmet?: Unmet;
}

/** The answers about how units start. */
export interface BootGraph {
  /** @param name any name of a unit; for a template, the instance that is reached first counts. */
  readonly startOf: (name: string) => Start;
  /**
   * The canonical names of all units that may start, including instances of templates, and those that
   * something starts although systemd refuses to start them.
   */
  readonly started: Iterable<string>;
  readonly problems: readonly Problem[];
}

/** Works out how the units of one manager come to start, beginning at `default.target`. */
export function bootGraph(units: SystemdUnits): BootGraph {
  const unmetOf = requirements(units);
  const walk = walkBoot(units, unmetOf);
  const instances = startedInstances(walk);
  const chainTo = chains(units, walk);
  const startOf = (name: string): Start => {
    const unit = units.unit(name);
    if (unit?.masked === true) return never;
    if (unit?.refusal !== undefined) return { ...never, refusal: unit.refusal };
    const unmet = unit === undefined ? undefined : unmetOf(unit);
    if (unmet !== undefined) return { ...never, unmet };
    const canonical = unit?.name ?? name;
    const started = walk.reached.has(canonical) ? canonical : relatedTo(canonical);
    const reached = walk.reached.get(started);
    if (reached === undefined) return walk.complete ? never : unknown;
    return { activation: reached.activation, ...chainTo(started) };
  };
  /** The unit whose start counts for a unit that the walk has not reached itself. */
  const relatedTo = (canonical: string): string => {
    const name = parseUnitName(canonical);
    // A socket with Accept=yes starts one instance per connection, with names nobody can know
    // beforehand: the walk then reaches the template itself.
    return name.instance ? withInstance(name, '').full : (instances.get(canonical) ?? '');
  };
  const started = {
    *[Symbol.iterator]() {
      yield* walk.reached.keys();
      yield* walk.refused;
    },
  };
  return { startOf, started, problems: walk.problems };
}

const never: Start = { activation: 'none', via: [], conditions: [] };
const unknown: Start = { activation: 'unknown', via: [], conditions: [] };

/** For each template, the instance that the walk reached first. */
function startedInstances({ reached }: BootWalk): ReadonlyMap<string, string> {
  const instances = new Map<string, string>();
  for (const name of reached.keys()) {
    const parsed = parseUnitName(name);
    if (parsed.instance === undefined || parsed.instance === '') continue;
    const template = withInstance(parsed, '').full;
    if (!instances.has(template)) instances.set(template, name);
  }
  return instances;
}
