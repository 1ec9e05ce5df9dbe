import type { BootedHost } from '../support/booted-host.ts';

/** A unit as the manager of a booted host has loaded it. */
export interface LoadedUnit {
  readonly name: string;
  readonly names: readonly string[];
  /** `loaded`, `masked`, `bad-setting`, `not-found`. */
  readonly state: string;
  readonly wasStarted: boolean;
  readonly pulledIn: readonly string[];
  /** The units without which systemd starts nothing of what this one pulls in. */
  readonly required: readonly string[];
  /** The units without which it does not start this one, but the others. */
  readonly requisite: readonly string[];
  readonly triggers: readonly string[];
  readonly onSuccess: readonly string[];
  readonly onFailure: readonly string[];
}

const properties = [
  'Id',
  'Names',
  'LoadState',
  'InvocationID',
  'Wants',
  'Requires',
  'BindsTo',
  'Requisite',
  'Upholds',
  'Triggers',
  'OnSuccess',
  'OnFailure',
];

/** Asks for units by any of their names, with all units that they start. */
export function loadedUnits(
  host: BootedHost,
  names: readonly string[],
): ReadonlyMap<string, LoadedUnit> {
  const units = new Map<string, LoadedUnit>();
  for (let asked = names; asked.length > 0; ) {
    const options = properties.flatMap((property) => ['-p', property]);
    const shown = host.run('systemctl', 'show', ...options, ...asked).split('\n\n');
    const found = shown.map(unitOf);
    for (const unit of found) for (const name of unit.names) units.set(name, unit);
    const next = found.flatMap((unit) => [
      ...unit.pulledIn,
      ...unit.requisite,
      ...unit.triggers,
      ...unit.onSuccess,
      ...unit.onFailure,
    ]);
    asked = [...new Set(next)].filter((name) => /^(?:u\d|all-)/.test(name) && !units.has(name));
  }
  return units;
}

export function isOfForest(name: string): boolean {
  return /^u\d/.test(name);
}

function unitOf(shown: string): LoadedUnit {
  const values = new Map(
    Array.from(shown.matchAll(/^(\w+)=(.*)$/gm), ([, key = '', value = '']) => [key, value]),
  );
  const words = (...keys: string[]) =>
    keys.flatMap((key) => (values.get(key) ?? '').split(' ').filter((word) => word !== ''));
  return {
    name: values.get('Id') ?? '',
    names: words('Names'),
    state: values.get('LoadState') ?? '',
    wasStarted: words('InvocationID').length > 0,
    pulledIn: words('Wants', 'Requires', 'BindsTo', 'Upholds'),
    required: words('Requires', 'BindsTo'),
    requisite: words('Requisite'),
    triggers: words('Triggers'),
    onSuccess: words('OnSuccess'),
    onFailure: words('OnFailure'),
  };
}

/** Whether systemd starts a unit that something pulls in, and where not, what it starts all the same. */
type Startable = 'yes' | 'no' | 'only what it pulls in';

function startable(
  name: string,
  units: ReadonlyMap<string, LoadedUnit>,
  above: ReadonlySet<string> = new Set(),
): Startable {
  const unit = units.get(name);
  // Units that are none of the forest are there.
  if (unit === undefined || above.has(unit.name)) return 'yes';
  if (unit.state !== 'loaded') return 'no';
  const inner = new Set([...above, unit.name]);
  const lacks = (names: readonly string[]) =>
    names.some((one) => startable(one, units, inner) !== 'yes');
  if (lacks(unit.required)) return 'no';
  return lacks(unit.requisite) ? 'only what it pulls in' : 'yes';
}

/** Whether a unit can start at all. */
export function isStartable(name: string, units: ReadonlyMap<string, LoadedUnit>): boolean {
  return startable(name, units) === 'yes';
}

/**
 * How the units of the forest come to start by what the manager has loaded, by canonical name: a
 * closure over dependencies for each kind of trigger, in berth's order of kinds.
 *
 * @param byChance whether to take in what a unit requires beside another one that can't start: systemd
 *   starts it or not, as its hash tables have it.
 */
export function activations(
  units: ReadonlyMap<string, LoadedUnit>,
  byChance: boolean,
): ReadonlyMap<string, string> {
  const reached = new Map<string, string>();
  const looked = new Set<string>();
  const kinds = ['boot', 'socket', 'timer', 'path', 'on-success', 'on-failure'];
  const waiting = new Map(kinds.map((kind): [string, string[]] => [kind, []]));
  const add = (kind: string, names: readonly string[]) => waiting.get(kind)?.push(...names);
  add('boot', targets);
  for (const kind of kinds) {
    const queue = waiting.get(kind) ?? [];
    for (const name of queue) {
      const unit = units.get(name);
      if (unit?.state !== 'loaded' || reached.has(unit.name) || looked.has(unit.name)) continue;
      const can = startable(unit.name, units);
      if (can !== 'yes') {
        looked.add(unit.name);
        if (can !== 'no') add(kind, unit.pulledIn);
        else if (byChance) add(kind, unit.required);
        continue;
      }
      reached.set(unit.name, kind);
      add(kind, unit.pulledIn);
      const type = unit.name.slice(unit.name.lastIndexOf('.') + 1);
      add(kind === 'boot' ? type : kind, unit.triggers);
      add(kind === 'on-failure' ? kind : 'on-success', unit.onSuccess);
      add('on-failure', unit.onFailure);
    }
  }
  return reached;
}

/** The units of every host that start units of the forest. */
export const targets = ['multi-user.target', 'sockets.target', 'timers.target', 'paths.target'];
