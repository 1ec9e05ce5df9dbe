import type { UnitEntry } from '../../../systemd/unit-file.ts';
import type { Problem } from '../../problem.ts';
import { problemOfUnit, type QuadletUnit, sectionOf } from '../unit.ts';

/** All units of a tree, to look up the units that a unit refers to. */
export interface Units {
  readonly byName: ReadonlyMap<string, QuadletUnit>;
  /** The `.network` units of which podman makes no service. */
  readonly refusedNetworks: ReadonlySet<string>;
}

/** The refusal of a unit without a key that its type requires; undefined if `entry` is set. */
export function requiredKey(
  unit: QuadletUnit,
  key: string,
  entry: UnitEntry | undefined,
): Problem | undefined {
  if (isSet(entry)) return undefined;
  return refused(unit, entry, `expected ${key}= in [${sectionOf[unit.type]}], found none`);
}

/** The refusal of a unit that refers to a Quadlet file which does not exist. */
export function missingUnit(
  unit: QuadletUnit,
  entry: UnitEntry | undefined,
  name: string,
): Problem {
  return refused(
    unit,
    entry,
    `expected the Quadlet file ${JSON.stringify(name)} in a search directory, found none`,
  );
}

/**
 * The problem that podman refuses a unit.
 *
 * @param message what was expected and what was found.
 */
export function refused(unit: QuadletUnit, entry: UnitEntry | undefined, message: string): Problem {
  return problemOfUnit(unit, entry, {
    code: 'refused',
    message: `${message}; podman makes no service of the unit`,
    hint: 'correct the unit; QUADLET_UNIT_DIRS=DIR /usr/libexec/podman/quadlet -dryrun shows what podman makes of it',
  });
}

/** Whether a key has a value; podman treats an empty value like a missing key. */
export function isSet(entry: UnitEntry | undefined): entry is UnitEntry {
  return entry !== undefined && entry.value !== '';
}

/**
 * Checks that the file of `Image=x.image` or `Image=x.build` exists; podman compares the exact
 * name.
 */
export function missingImageUnit(
  unit: QuadletUnit,
  image: UnitEntry | undefined,
  units: Units,
): Problem | undefined {
  const name = image?.value ?? '';
  const isUnit = name.endsWith('.image') || name.endsWith('.build');
  return isUnit && !units.byName.has(name) ? missingUnit(unit, image, name) : undefined;
}
