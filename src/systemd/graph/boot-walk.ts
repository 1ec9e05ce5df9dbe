import { append } from '../../common/append.ts';
import type { Problem } from '../problem.ts';
import type { SystemdUnits } from '../systemd-unit.ts';
import { type PulledIn, pulledIn } from './pulled-in.ts';
import { type Requirements, requiredBy } from './requirements.ts';
import { type TriggerKind, triggered } from './triggered.ts';

export type Activation = 'boot' | TriggerKind | 'dbus' | AtEnd;

/** The units of `OnSuccess=` and `OnFailure=` start when another unit ends. */
type AtEnd = 'on-success' | 'on-failure';

/** How the walk first reached a unit. */
export interface Reached {
  readonly activation: Activation;
  /** The unit that starts or triggers this one; absent for `default.target`. */
  readonly from?: string;
}

/** The result of a walk from `default.target`. */
export interface BootWalk {
  /**
   * The units that may start, by canonical name, in the order in which the walk reached them: by
   * activation (boot, socket, timer, path, bus, success, failure), then by the length of the chain.
   */
  readonly reached: ReadonlyMap<string, Reached>;
  /** The canonical names of units that would be reached if systemd did not refuse to start them. */
  readonly refused: ReadonlySet<string>;
  /** Whether a unit that was not reached is known not to start. */
  readonly complete: boolean;
  readonly problems: readonly Problem[];
}

interface Step {
  readonly name: string;
  readonly from?: string;
  readonly depth: number;
}

/**
 * Bounds of the walk: instances can want further instances endlessly. Real hosts have some 100
 * units.
 */
const maxUnits = 65_536;
const maxSteps = 1_000_000;

/**
 * Walks through all units that may start: first those that start at boot, then those that the
 * sockets among them trigger (with everything that these start and trigger in turn), then the same
 * for timers, paths, the message bus, and the units that start when another one has ended well or has
 * failed. Each unit is reached once, by the first of these ways and
 * in the fewest steps.
 *
 * systemd starts nothing of what a unit pulls in that it can't start itself, but for the units that it
 * looks at before it knows. Which of the required ones are among them is left to chance, so that all of
 * them count.
 */
export function walkBoot(units: SystemdUnits, unmetOf: Requirements): BootWalk {
  const reached = new Map<string, Reached>();
  const refused = new Set<string>();
  const depths = new Map<string, number>();
  const triggers: Record<TriggerKind, Step[]> = { socket: [], timer: [], path: [] };
  const atEnd: Record<AtEnd, Step[]> = { 'on-success': [], 'on-failure': [] };
  const problems: Problem[] = [];
  let steps = 0;
  let withinLimits = true;
  let allRead = units.isWhole;

  const walk = (activation: Activation, seeds: readonly Step[]) => {
    const levels: Step[][] = [];
    const add = (step: Step) => {
      if (++steps > maxSteps) withinLimits = false;
      else (levels[step.depth] ??= []).push(step);
    };
    for (const seed of seeds) add(seed);
    for (let depth = 0; depth < levels.length; depth++) {
      for (const { name, from } of levels[depth] ?? []) {
        const unit = units.unit(name);
        if (unit === undefined && units.isUnread(name)) allRead = false;
        if (unit === undefined || unit.masked || reached.has(unit.name)) continue;
        if (refused.has(unit.name)) continue;
        const unmet = unit.refusal === undefined ? unmetOf(unit) : undefined;
        if (unit.refusal !== undefined || unmet !== undefined) {
          refused.add(unit.name);
          if (unmet === undefined) continue;
          const before = unmet.isLate ? pulledIn(units, unit).names : requiredBy(units, unit);
          for (const child of before) add({ name: child, from: unit.name, depth: depth + 1 });
          continue;
        }
        if (reached.size >= maxUnits) withinLimits = false;
        if (!withinLimits) return;
        reached.set(unit.name, { activation, ...(from === undefined ? {} : { from }) });
        depths.set(unit.name, depth);
        const next = pulledIn(units, unit);
        append(problems, next.problems);
        for (const child of next.names) add({ name: child, from: unit.name, depth: depth + 1 });
        for (const [kind, ended] of endings(next)) {
          for (const child of ended) {
            const step = { name: child, from: unit.name, depth: depth + 1 };
            // After a failure nothing better is known of the units that start then.
            if (activation === 'on-failure' || activation === kind) add(step);
            else if (++steps <= maxSteps) atEnd[kind].push(step);
            else withinLimits = false;
          }
        }
        const trigger = triggered(units, unit);
        if (units.isUnread(unit.name)) allRead = false;
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
  for (const kind of ['on-success', 'on-failure'] as const) walk(kind, atEnd[kind]);
  if (!withinLimits) problems.push(tooManyUnits());
  return { reached, refused, complete: booted && withinLimits && allRead, problems };
}

function endings({
  onSuccess,
  onFailure,
}: PulledIn): readonly (readonly [AtEnd, readonly string[]])[] {
  return [
    ['on-success', onSuccess],
    ['on-failure', onFailure],
  ];
}

function tooManyUnits(): Problem {
  return {
    code: 'too-many-entries',
    path: '/',
    message: `expected at most ${maxUnits} units and ${maxSteps} dependencies between them, found more`,
    hint: 'look for templates whose instances want further instances',
  };
}
