import { displayPath } from '../../common/path-bytes.ts';
import { expandName } from '../expand-name.ts';
import { scalar } from '../lookup.ts';
import type { Problem } from '../problem.ts';
import type { SystemdUnit, SystemdUnits } from '../systemd-unit.ts';
import { isUnitName } from '../unit-alias.ts';
import type { UnitEntry } from '../unit-file.ts';
import { parseUnitName, resolvedTemplate } from '../unit-name.ts';
import { splitWords } from '../words.ts';

const startingKeys: ReadonlySet<string> = new Set([
  'Wants',
  'Requires',
  'BindsTo',
  'Upholds',
  'OnSuccess',
  'OnFailure',
]);

export interface PulledIn {
  /** Unit names: templates are instantiated, aliases kept as they are written. */
  readonly names: readonly string[];
  /** The units of `OnSuccess=`, which start when the unit has ended well. */
  readonly onSuccess: readonly string[];
  /** The units of `OnFailure=`, which start when the unit fails. */
  readonly onFailure: readonly string[];
  readonly problems: readonly Problem[];
}

/**
 * The units that systemd starts together with a unit: those that the unit names, those that its
 * `.wants`, `.requires` and `.upholds` directories name, and those that systemd adds by default.
 * Besides, the units that start when the unit ends. `Requisite=`, `PartOf=` and ordering start
 * nothing.
 *
 * Source: systemd.unit(5); systemd, src/core, `service_add_default_dependencies` and the same for
 * other types.
 */
export function pulledIn(units: SystemdUnits, unit: SystemdUnit): PulledIn {
  const names = new Set<string>();
  const atEnd = { OnSuccess: new Set<string>(), OnFailure: new Set<string>() };
  const problems: Problem[] = [];
  const add = (name: string, to: Set<string>) => {
    const resolved = resolvedTemplate(unit.name, name);
    if (isUnitName(resolved)) to.add(resolved);
  };
  for (const entry of unit.entries) {
    if (!namesUnits(entry)) continue;
    const { key } = entry;
    const to = key === 'OnSuccess' || key === 'OnFailure' ? atEnd[key] : names;
    const words = splitWords(entry.value, { escapes: false, relaxed: true }) ?? [];
    for (const word of words) {
      const expanded = expandName(units, unit, word);
      if (expanded === undefined) continue;
      if (expanded.ok) add(expanded.text, to);
      // A template never starts by itself, so its unknown specifiers do no harm.
      else if (parseUnitName(unit.name).instance !== '')
        problems.push(unknown(unit, entry, expanded));
    }
  }
  for (const name of units.linked(unit)) add(name, names);
  for (const name of implied(units, unit)) names.add(name);
  return {
    names: [...names],
    onSuccess: [...atEnd.OnSuccess],
    onFailure: [...atEnd.OnFailure],
    problems,
  };
}

function namesUnits({ group, key }: UnitEntry): boolean {
  return (
    (group === 'Unit' && startingKeys.has(key)) ||
    (group === 'Service' && key === 'Sockets') ||
    (key === 'Slice' && group === 'Service')
  );
}

function* implied({ manager }: SystemdUnits, { name, entries }: SystemdUnit): Iterable<string> {
  const type = name.slice(name.lastIndexOf('.') + 1);
  if (type === 'service' && scalar(entries, 'Service', 'Type')?.value === 'dbus') {
    yield 'dbus.socket';
  }
  if (isNo(scalar(entries, 'Unit', 'DefaultDependencies')?.value)) return;
  if (manager === 'user') {
    if (type === 'service') yield 'basic.target';
  } else if (['service', 'socket', 'timer', 'path'].includes(type)) yield 'sysinit.target';
}

/** systemd's words for no (systemd.syntax(7)). */
function isNo(value: string | undefined): boolean {
  return value !== undefined && ['0', 'no', 'n', 'false', 'f', 'off'].includes(value.toLowerCase());
}

function unknown(
  { path, name }: SystemdUnit,
  entry: UnitEntry,
  { message, hint }: { message: string; hint: string },
): Problem {
  return {
    code: 'specifier',
    path: entry.path,
    line: entry.line,
    message: `expected the units of ${displayPath(entry.key)}=: ${message}`,
    hint,
    subject: { unitPath: path, unit: name },
  };
}
