import { append } from '../../common/append.ts';
import type { Problem } from '../problem.ts';
import type { SystemdUnits } from '../systemd-unit.ts';
import { pulledIn } from './pulled-in.ts';
import { type TriggerKind, triggered } from './triggered.ts';

export type Activation = 'boot' | TriggerKind | 'dbus';

export interface Reached {
  readonly activation: Activation;
  /** The unit that starts or triggers it; absent for the first. */
  readonly from?: string;
}

export interface BootWalk {
  /** By canonical name, in the order of precedence, then of nearness. */
  readonly reached: ReadonlyMap<string, Reached>;
  /** Whether what was not reached is known not to start. */
  readonly complete: boolean;
  readonly problems: readonly Problem[];
}

interface Step {
  readonly name: string;
  readonly from?: string;
  readonly depth: number;
}

/** Instances can want further instances without an end; a real system has some hundred units. */
const maxUnits = 65_536;
const maxSteps = 1_000_000;

/**
 * Goes through all that comes to start: first what boots, then what the sockets among it trigger
 * with all that this starts and triggers in turn, then the same for timers, paths and the bus.
 * Each unit is reached once, by the first of these and by the fewest steps.
 */
export function walkBoot(units: SystemdUnits): BootWalk {
  const reached = new Map<string, Reached>();
  const depths = new Map<string, number>();
  const triggers: Record<TriggerKind, Step[]> = { socket: [], timer: [], path: [] };
  const problems: Problem[] = [];
  let steps = 0;
  let whole = true;
  let known = units.isWhole;

  const walk = (activation: Activation, seeds: readonly Step[]) => {
    const levels: Step[][] = [];
    const add = (step: Step) => {
      if (++steps > maxSteps) whole = false;
      else (levels[step.depth] ??= []).push(step);
    };
    for (const seed of seeds) add(seed);
    for (let depth = 0; depth < levels.length; depth++) {
      for (const { name, from } of levels[depth] ?? []) {
        const unit = units.unit(name);
        if (unit === undefined && units.isUnread(name)) known = false;
        if (unit === undefined || unit.masked || reached.has(unit.name)) continue;
        if (reached.size >= maxUnits) whole = false;
        if (!whole) return;
        reached.set(unit.name, { activation, ...(from === undefined ? {} : { from }) });
        depths.set(unit.name, depth);
        const next = pulledIn(units, unit);
        append(problems, next.problems);
        for (const child of next.names) add({ name: child, from: unit.name, depth: depth + 1 });
        const trigger = triggered(units, unit);
        if (units.isUnread(unit.name)) known = false;
        if (trigger === undefined) continue;
        const step = { name: trigger.name, from: unit.name, depth: depth + 1 };
        if (activation === 'boot') triggers[trigger.kind].push(step);
        else add(step);
      }
      levels[depth] = [];
    }
  };

  walk('boot', [{ name: 'default.target', depth: 0 }]);
  const booted = reached.size > 0;
  for (const kind of ['socket', 'timer', 'path'] as const) walk(kind, triggers[kind]);
  const bus = ['dbus.socket', 'dbus.service', 'dbus-broker.service']
    .map((name) => units.unit(name)?.name ?? name)
    .find((name) => reached.has(name));
  if (bus !== undefined) {
    const depth = (depths.get(bus) ?? 0) + 1;
    walk(
      'dbus',
      units.busServices().map((name) => ({ name, from: bus, depth })),
    );
  }
  if (!whole) problems.push(tooManyUnits());
  return { reached, complete: booted && whole && known, problems };
}

function tooManyUnits(): Problem {
  return {
    code: 'too-many-entries',
    path: '/',
    message: `expected at most ${maxUnits} units and ${maxSteps} dependencies between them, found more`,
    hint: 'look for templates whose instances want further instances',
  };
}
