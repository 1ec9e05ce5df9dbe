import { list } from '../../../systemd/lookup.ts';
import { splitWords } from '../../../systemd/words.ts';
import type { Problem } from '../../problem.ts';
import { dependencyKeys, knownKeys, quadletKeys } from '../known-keys.ts';
import { problemOfUnit, type QuadletUnit, sectionOf, unitTypeOf } from '../unit.ts';
import { missingUnit } from './refused.ts';

/**
 * The reason for which podman's generator refuses a unit, if the reason applies to any type.
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
    message: `expected a key of [${unknown.group}], found ${JSON.stringify(unknown.key)}, with which podman makes no service of the unit`,
    hint: 'correct the key, or move it into the section that it belongs to',
  });
}

/** Skips most dependencies before they are split into words, which is slower. */
const mayNameUnit = /\.(?:artifact|build|container|image|kube|network|pod|volume)/;

/** Since podman 5.5 a dependency may name a Quadlet file, which must exist. */
function missingDependency(
  unit: QuadletUnit,
  byName: ReadonlyMap<string, QuadletUnit>,
): Problem | undefined {
  const dependencies = unit.entries.filter(
    ({ group, key, value }) =>
      group === 'Unit' && dependencyKeys.has(key) && (value === '' || mayNameUnit.test(value)),
  );
  if (dependencies.length === 0) return undefined;
  for (const key of new Set(dependencies.map((entry) => entry.key))) {
    for (const entry of list(dependencies, 'Unit', key)) {
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
