import type { Expanded } from './specifiers.ts';
import type { SystemdUnit, SystemdUnits } from './systemd-unit.ts';

/**
 * What a word that names a unit means: only such specifiers are replaced as are safe in names.
 *
 * Source: systemd, src/core/unit-printf.c, `unit_name_printf`.
 *
 * @returns undefined for a word with any other, which is no name then.
 */
export function expandName(
  units: SystemdUnits,
  unit: SystemdUnit,
  word: string,
): Expanded | undefined {
  for (const [, letter] of word.matchAll(/%([^]?)/g)) {
    if (letter === undefined || !safeInNames.has(letter)) return undefined;
  }
  return units.expand(unit, word);
}

const safeInNames: ReadonlySet<string> = new Set('ijnNpaAbBHlmMoqvwWgGuU');
