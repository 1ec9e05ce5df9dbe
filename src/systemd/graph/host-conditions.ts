import type { UnitEntry } from '../unit-file.ts';

/**
 * The conditions and assertions that a unit checks before it starts: `ConditionPathExists=/x`. An
 * empty condition drops all conditions before it, and an empty assertion all assertions.
 *
 * Source: systemd.unit(5), "Conditions and Asserts".
 */
export function hostConditions(entries: readonly UnitEntry[]): readonly string[] {
  let found: UnitEntry[] = [];
  for (const entry of entries) {
    const sort = /^(?:Condition|Assert)/.exec(entry.key)?.[0];
    if (sort === undefined || entry.group !== 'Unit') continue;
    if (entry.value === '') found = found.filter(({ key }) => !key.startsWith(sort));
    else found.push(entry);
  }
  return found.map(({ key, value }) => `${key}=${value}`);
}
