import type { Expanded } from './specifiers.ts';
import type { SystemdUnit, SystemdUnits } from './systemd-unit.ts';

/**
 * Expands a word that names a unit. systemd replaces only specifiers that are safe in unit names.
 *
 * Source: systemd, src/core/unit-printf.c, `unit_name_printf`.
 *
 * @returns undefined for a word with any other specifier, which then is not a valid name.
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
