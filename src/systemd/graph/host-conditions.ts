import type { UnitEntry } from '../unit-file.ts';

/**
 * The conditions and assertions that a unit checks before it starts: `ConditionPathExists=/x`. An
 * empty condition drops all conditions before it, and an empty assertion all assertions.
 *
 * Source: systemd.unit(5), "Conditions and Asserts".
 */
export function hostConditions(entries: readonly UnitEntry[]): readonly string[] {
  const own = entries.filter(
    ({ group, key }) => group === 'Unit' && /^(?:Condition|Assert)/.test(key),
  );
  const dropped = (sort: string) =>
    own.findLastIndex(({ key, value }) => value === '' && key.startsWith(sort));
  const [conditions, asserts] = [dropped('Condition'), dropped('Assert')];
  return own
    .filter(({ key }, at) => at > (key.startsWith('Condition') ? conditions : asserts))
    .map(({ key, value }) => `${key}=${value}`);
}
