import { expandName } from '../expand-name.ts';
import type { SystemdUnit, SystemdUnits } from '../systemd-unit.ts';
import { isUnitName } from '../unit-alias.ts';
import type { UnitEntry } from '../unit-file.ts';
import { parseUnitName } from '../unit-name.ts';

export type TriggerKind = 'socket' | 'timer' | 'path';

export interface Triggered {
  readonly kind: TriggerKind;
  /** The triggered unit; a template if each connection gets an instance of its own. */
  readonly name: string;
}

/**
 * The unit that a socket, timer or path unit triggers; undefined for units of other types.
 *
 * Source: systemd.socket(5), `Accept=` and `Service=`; systemd.timer(5) and systemd.path(5),
 * `Unit=`, the first of which counts (`config_parse_trigger_unit`).
 */
export function triggered(units: SystemdUnits, unit: SystemdUnit): Triggered | undefined {
  const { full, bare, prefix } = parseUnitName(unit.name);
  const type = full.slice(bare.length + 1);
  switch (type) {
    case 'socket': {
      const named = namedUnits(units, unit, 'Socket', 'Service');
      const service = named.findLast((name) => name.endsWith('.service'));
      const own = acceptsEach(unit.entries) ? `${prefix}@.service` : `${bare}.service`;
      return { kind: type, name: service ?? own };
    }
    case 'timer':
    case 'path': {
      const group = type === 'timer' ? 'Timer' : 'Path';
      return { kind: type, name: namedUnits(units, unit, group, 'Unit')[0] ?? `${bare}.service` };
    }
    default:
      return undefined;
  }
}

function namedUnits(
  units: SystemdUnits,
  unit: SystemdUnit,
  group: string,
  key: string,
): readonly string[] {
  return unit.entries.flatMap((entry) => {
    if (entry.group !== group || entry.key !== key) return [];
    const expanded = expandName(units, unit, entry.value);
    return expanded?.ok === true && isUnitName(expanded.text) ? [expanded.text] : [];
  });
}

function acceptsEach(entries: readonly UnitEntry[]): boolean {
  const last = entries.findLast(({ group, key }) => group === 'Socket' && key === 'Accept');
  return ['1', 'yes', 'y', 'true', 't', 'on'].includes(last?.value.toLowerCase() ?? '');
}
