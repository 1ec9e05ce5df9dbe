import { problemOf } from '../../root/problem-of.ts';
import { type Root, RootError } from '../../root/root.ts';
import type { Etc } from '../etc.ts';
import type { Problem } from '../problem.ts';
import type { PresetUnit, SystemdUnit, SystemdUnits } from '../systemd-unit.ts';
import { isFirstBoot } from './first-boot.ts';
import { installed } from './install-links.ts';
import { type PresetRule, presetsOf, readPresetRules } from './preset-rules.ts';

export interface PresetUnits {
  readonly units: readonly PresetUnit[];
  readonly problems: readonly Problem[];
}

const nothing: PresetUnits = { units: [], problems: [] };

/** Units that `Also=` may add; a template's instances can name further instances endlessly. */
const maxUnits = 65_536;

/**
 * The units of the system that systemd enables when a root boots for the first time. A root without
 * any preset file counts as one whose units are enabled by hand, although systemd would enable all.
 *
 * Units of users are not enabled in this way: systemd applies their presets at no boot.
 *
 * Source: systemd, src/core/manager.c, `manager_preset_all`; src/shared/install.c,
 * `unit_file_preset_all`.
 *
 * @param names lists the units with files of their own, no aliases.
 */
export function presetUnits(
  root: Root,
  etc: Etc,
  names: () => readonly string[],
  units: SystemdUnits,
): PresetUnits {
  try {
    if (!isFirstBoot(root, etc)) return nothing;
  } catch (error) {
    if (!(error instanceof RootError)) throw error;
    return { units: [], problems: [problemOf(error)] };
  }
  const { rules, problems } = readPresetRules(root, etc);
  if (rules === undefined) return { units: [], problems };
  const enabled = enabledBy(rules, names(), units);
  return {
    units: withoutRivals(enabled.units, units),
    problems: [...problems, ...enabled.problems],
  };
}

function enabledBy(
  rules: readonly PresetRule[],
  names: readonly string[],
  units: SystemdUnits,
): PresetUnits {
  const enables = presetsOf(rules);
  const found = new Map<string, PresetUnit>();
  const add = (name: string, rule: string) => {
    const unit = units.unit(name);
    if (unit === undefined || found.has(unit.name) || !mayBeEnabled(unit)) return;
    const made = installed(units, unit);
    found.set(unit.name, {
      name: unit.name,
      path: unit.path,
      rule,
      ...made,
    });
  };
  for (const name of names) {
    const enabled = enables(name);
    if (enabled === 'too-much') return { units: [...found.values()], problems: [tooMuch()] };
    for (const { name: one, rule } of enabled) {
      add(one, rule === undefined ? 'no preset forbids it' : `${rule.path}:${rule.line}`);
    }
  }
  // The list grows while it is read: units of `Also=` may have an `Also=` of their own.
  for (const { also, rule } of found.values()) {
    if (found.size > maxUnits) return { units: [...found.values()], problems: [tooMuch()] };
    for (const name of also) add(name, rule);
  }
  return { units: [...found.values()], problems: [] };
}

/** systemd enables no unit that is masked or that a generator makes. */
function mayBeEnabled({ masked, generated }: SystemdUnit): boolean {
  return !masked && !generated;
}

/**
 * Units with each alias on one of them. systemd gives an alias that several claim to the one whose
 * file the directory lists first, which nobody can know; here the unit that has this name already
 * keeps it.
 */
function withoutRivals(found: readonly PresetUnit[], units: SystemdUnits): readonly PresetUnit[] {
  const owners = new Map<string, string>();
  for (const { name, aliases } of found) {
    for (const alias of aliases) {
      if (!owners.has(alias) || units.unit(alias)?.name === name) owners.set(alias, name);
    }
  }
  return found.map((unit) => ({
    ...unit,
    aliases: unit.aliases.filter((alias) => owners.get(alias) === unit.name),
  }));
}

function tooMuch(): Problem {
  return {
    code: 'too-many-entries',
    path: '/usr/lib/systemd/system-preset',
    message: 'expected presets that can be compared with all units, found too many patterns',
    hint: 'write units out instead of patterns with many wildcards: units that presets enable are not all known',
  };
}
