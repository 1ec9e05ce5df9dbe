import type { Service } from '../../systemctl/services.ts';

/**
 * Groups services that depend on each other, each group in the order in which its services are started.
 * Two services are in one group if one is started after the other, directly or by way of others, or if
 * both use one image name, as a name can mean only one image.
 *
 * @param names gives the image names that a service uses.
 */
export function chainsOf(
  units: readonly string[],
  services: ReadonlyMap<string, Service>,
  names: (unit: string) => Iterable<string>,
): readonly (readonly string[])[] {
  const wanted = new Set(units);
  const below = new Map(units.map((unit) => [unit, reached(unit, services, wanted)]));
  const chain = new Map(units.map((unit) => [unit, new Set([unit])]));
  const join = (one: string, other: string) => {
    const [a, b] = [chain.get(one), chain.get(other)];
    if (a === undefined || b === undefined || a === b) return;
    for (const unit of b) {
      a.add(unit);
      chain.set(unit, a);
    }
  };
  const users = new Map<string, string>();
  for (const unit of units) {
    for (const other of below.get(unit) ?? []) join(unit, other);
    for (const name of names(unit)) {
      const user = users.get(name);
      if (user !== undefined) join(user, unit);
      users.set(name, unit);
    }
  }
  return [...new Set(chain.values())].map((members) => ordered([...members].sort(), below));
}

/**
 * The services that are started after some of the given services, directly or by way of others, in the order
 * in which they are started. A given service is among them if it is started after another one.
 */
export function dependantsOf(
  units: Iterable<string>,
  services: ReadonlyMap<string, Service>,
): readonly string[] {
  const next = new Map<string, string[]>();
  for (const { unit, after } of services.values()) {
    for (const earlier of after) {
      const later = next.get(earlier);
      if (later === undefined) next.set(earlier, [unit]);
      else later.push(unit);
    }
  }
  const found = new Set([...units].flatMap((unit) => next.get(unit) ?? []));
  for (const unit of found) for (const later of next.get(unit) ?? []) found.add(later);
  const among = new Map(
    [...found].map((unit) => [
      unit,
      services.get(unit)?.after.filter((one) => found.has(one)) ?? [],
    ]),
  );
  return ordered([...found], among);
}

/** The wanted services that are started before a service. */
function reached(
  unit: string,
  services: ReadonlyMap<string, Service>,
  wanted: ReadonlySet<string>,
): readonly string[] {
  const seen = new Set([unit]);
  for (const one of seen) {
    for (const next of services.get(one)?.after ?? []) {
      if (next.endsWith('.service')) seen.add(next);
    }
  }
  return [...seen].filter((one) => one !== unit && wanted.has(one));
}

/** Sorts services in the order in which they are started. In a circle any service may be first. */
function ordered(
  units: readonly string[],
  below: ReadonlyMap<string, readonly string[]>,
): readonly string[] {
  const done = new Set<string>();
  const visiting = new Set<string>();
  const visit = (unit: string) => {
    if (visiting.has(unit)) return;
    visiting.add(unit);
    for (const other of below.get(unit) ?? []) visit(other);
    done.add(unit);
  };
  for (const unit of units) visit(unit);
  return [...done];
}
