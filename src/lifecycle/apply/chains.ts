import type { Service } from '../../systemctl/services.ts';

/**
 * Services that have to do with each other, in the order in which they are started: one needs the
 * other, or comes after it, be it by way of others; or both use one name, which has one meaning.
 *
 * @param names that a service uses.
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

/** The services that come after one, in the order in which they are started. */
export function dependantsOf(
  unit: string,
  services: ReadonlyMap<string, Service>,
): readonly string[] {
  const all = new Set(services.keys());
  const below = new Map([...all].map((one) => [one, reached(one, services, all)]));
  const own = [...below].filter(([, units]) => units.includes(unit)).map(([one]) => one);
  const wanted = new Set(own);
  const among = new Map(
    own.map((one) => [one, below.get(one)?.filter((o) => wanted.has(o)) ?? []]),
  );
  return ordered(own, among);
}

/** Those of the wanted that a service comes after. */
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

/** What comes first, first; of a circle anyone. */
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
