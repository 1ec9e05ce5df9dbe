import { displayPath } from '../../common/path-bytes.ts';
import { expandName } from '../expand-name.ts';
import type { SystemdUnit, SystemdUnits } from '../systemd-unit.ts';
import { isUnitName } from '../unit-alias.ts';
import type { UnitEntry } from '../unit-file.ts';
import { resolvedTemplate } from '../unit-name.ts';
import { splitWords } from '../words.ts';

/** A requirement of a unit that can't be met, so that systemd never starts the unit. */
export interface Unmet {
  /** The assignment that names the required unit; absent for a link in `.requires`. */
  readonly at?: UnitEntry;
  /** Whether systemd notices only after it has queued all that the unit starts, as for `Requisite=`. */
  readonly isLate: boolean;
  /** States what was expected and what was found. */
  readonly message: string;
}

/** A unit that another one requires. */
interface Need {
  readonly name: string;
  readonly at?: UnitEntry;
  readonly isLate: boolean;
}

/** The requirement of a unit that can't be met; undefined if none is known. */
export type Requirements = (unit: SystemdUnit) => Unmet | undefined;

const early: ReadonlySet<string> = new Set(['Requires', 'BindsTo']);

/**
 * Judges the requirements of units: a unit that requires one which systemd refuses, which is masked or
 * which nothing makes, or one for which the same holds, never starts. Compared with systemd 257. Judging
 * all units takes time linear in their requirements.
 *
 * Source: systemd, src/core/transaction.c, `transaction_add_job_and_dependencies`.
 */
export function requirements(units: SystemdUnits): Requirements {
  const known = new Map<string, Unmet | undefined>();
  return (unit) => {
    if (!known.has(unit.name)) judge(unit, units, known);
    return known.get(unit.name);
  };
}

/** The names of the units that a unit requires: by `Requires=`, `BindsTo=` and links in `.requires`. */
export function requiredBy(units: SystemdUnits, unit: SystemdUnit): readonly string[] {
  return needsOf(units, unit).flatMap(({ name, isLate }) => (isLate ? [] : [name]));
}

/** Judges a unit and all that it requires, directly or not. */
function judge(
  first: SystemdUnit,
  units: SystemdUnits,
  known: Map<string, Unmet | undefined>,
): void {
  known.set(first.name, undefined);
  const firstNeeds = needsOf(units, first);
  // Most units require nothing.
  if (firstNeeds.length === 0) return;
  const needers = new Map<string, { readonly by: string; readonly need: Need }[]>();
  const failed: string[] = [];
  const fail = (name: string, { at, isLate }: Need, message: string) => {
    if (known.get(name) !== undefined) return;
    known.set(name, { ...(at === undefined ? {} : { at }), isLate, message });
    failed.push(name);
  };
  const waiting = [{ by: first.name, needs: firstNeeds }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { by, needs } = next;
    for (const need of needs) {
      const needed = units.unit(need.name);
      const fault = faultOf(units, need.name, needed);
      if (fault !== undefined) fail(by, need, fault);
      if (fault !== undefined || needed === undefined) continue;
      const isKnown = known.has(needed.name);
      const itsNeeds = isKnown ? none : needsOf(units, needed);
      if (!isKnown) known.set(needed.name, undefined);
      // A unit that requires nothing has no fault but its own.
      if (!isKnown && itsNeeds.length === 0) continue;
      const others = needers.get(needed.name);
      if (others === undefined) needers.set(needed.name, [{ by, need }]);
      else others.push({ by, need });
      if (isKnown && known.get(needed.name) !== undefined) failed.push(needed.name);
      if (!isKnown) waiting.push({ by: needed.name, needs: itsNeeds });
    }
  }
  for (let name = failed.pop(); name !== undefined; name = failed.pop()) {
    for (const { by, need } of needers.get(name) ?? []) fail(by, need, expected(need.name, never));
  }
}

const none: readonly Need[] = [];

const never = 'found that systemd can not start it';

function needsOf(units: SystemdUnits, unit: SystemdUnit): readonly Need[] {
  const needs: Need[] = [];
  const add = (name: string, isLate: boolean, at?: UnitEntry) => {
    const resolved = resolvedTemplate(unit.name, name);
    if (!isUnitName(resolved)) return;
    needs.push({ name: resolved, isLate, ...(at === undefined ? {} : { at }) });
  };
  // `filter` makes less garbage than a loop, and few entries are left.
  for (const at of unit.entries.filter(isNeed)) {
    const isEarly = early.has(at.key);
    for (const word of splitWords(at.value, { escapes: false, relaxed: true }) ?? []) {
      const expanded = expandName(units, unit, word);
      if (expanded?.ok === true) add(expanded.text, !isEarly, at);
    }
  }
  for (const name of units.required(unit)) add(name, false);
  return needs;
}

function isNeed({ group, key }: UnitEntry): boolean {
  return group === 'Unit' && (early.has(key) || key === 'Requisite');
}

/** Why a unit of that name can't be started, whatever it requires itself. */
function faultOf(
  units: SystemdUnits,
  name: string,
  unit: SystemdUnit | undefined,
): string | undefined {
  if (unit === undefined) {
    return units.isMissing(name)
      ? expected(name, 'found nothing in the root that makes it')
      : undefined;
  }
  if (unit.masked) return expected(name, 'found it masked');
  return unit.refusal === undefined ? undefined : expected(name, 'found that systemd refuses it');
}

function expected(name: string, found: string): string {
  return `expected the required unit ${displayPath(name)}, ${found}`;
}
