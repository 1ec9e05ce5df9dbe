import { list } from '../../systemd/lookup.ts';
import { splitWords } from '../../systemd/words.ts';
import type { Problem } from '../problem.ts';
import { dependencyKeys, knownKeys, quadletKeys } from './known-keys.ts';
import { missingUnit } from './refused.ts';
import { problemOfUnit, type QuadletUnit, sectionOf, unitTypeOf } from './unit.ts';

/**
 * What podman's generator refuses in a unit of any type.
 *
 * Source: podman 6, pkg/systemd/quadlet/quadlet.go, `initServiceUnitFile`.
 */
export function commonRefusal(
  unit: QuadletUnit,
  byName: ReadonlyMap<string, QuadletUnit>,
): Problem | undefined {
  return unknownKey(unit) ?? missingDependency(unit, byName);
}

function unknownKey(unit: QuadletUnit): Problem | undefined {
  const section = sectionOf[unit.type];
  const keys = knownKeys[unit.type];
  const unknown =
    unit.entries.find((entry) => entry.group === section && !keys.has(entry.key)) ??
    unit.entries.find((entry) => entry.group === 'Quadlet' && !quadletKeys.has(entry.key));
  if (unknown === undefined) return undefined;
  return problemOfUnit(unit, unknown, {
    code: 'unknown-key',
    message: `expected a key of [${unknown.group}], found ${JSON.stringify(unknown.key)}, for which podman makes no service of the unit`,
    hint: 'correct the key, or move it into the section that it belongs to',
  });
}

/** Leaves out the usual dependencies before the slower look at every word. */
const mayNameUnit = /\.(?:artifact|build|container|image|kube|network|pod|volume)/;

/** Since podman 5.5 a dependency on a Quadlet file stands for its service. */
function missingDependency(
  unit: QuadletUnit,
  byName: ReadonlyMap<string, QuadletUnit>,
): Problem | undefined {
  const ofUnit = unit.entries.filter(
    ({ group, key, value }) =>
      group === 'Unit' && dependencyKeys.has(key) && (value === '' || mayNameUnit.test(value)),
  );
  for (const key of new Set(ofUnit.map((entry) => entry.key))) {
    for (const entry of list(ofUnit, 'Unit', key)) {
      const words = splitWords(entry.value, { escapes: false, relaxed: false }) ?? [];
      const missing = words.find((word) => isMissing(word, byName));
      if (missing !== undefined) return missingUnit(unit, entry, missing);
    }
  }
  return undefined;
}

function isMissing(name: string, byName: ReadonlyMap<string, QuadletUnit>): boolean {
  return name.includes('.') && unitTypeOf(name) !== undefined && !byName.has(name);
}
