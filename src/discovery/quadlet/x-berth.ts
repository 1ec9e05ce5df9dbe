import { list, scalar } from '../../systemd/lookup.ts';
import { mostFaults } from '../allowance.ts';
import type { Problem } from '../problem.ts';
import type { LintIgnore } from '../reference.ts';
import { bindSetting } from '../x-berth.ts';
import { problemOfUnit, type QuadletUnit } from './unit.ts';

/** The problems with a unit's `[X-Berth]` section, which only berth reads. */
export function ownSectionProblems(unit: QuadletUnit): readonly Problem[] {
  if (!unit.entries.some(({ group }) => group === 'X-Berth')) return none;
  const problems: Problem[] = [];
  for (const entry of unit.entries) {
    if (entry.group !== 'X-Berth' || ['Bind', 'LintIgnore'].includes(entry.key)) continue;
    if (problems.length === mostFaults) break;
    problems.push(
      problemOfUnit(unit, entry, {
        code: 'bind-setting',
        message: `expected Bind= or LintIgnore= in [X-Berth], found ${JSON.stringify(entry.key)}`,
        hint: 'correct or remove the key',
      }),
    );
  }
  const bind = scalar(unit.entries, 'X-Berth', 'Bind');
  if (bind !== undefined && bind.value !== '' && bindSetting(unit.entries) === undefined) {
    problems.push(
      problemOfUnit(unit, bind, {
        code: 'bind-setting',
        message: 'expected yes or no in Bind=, found something else',
        hint: 'write Bind=yes or Bind=no',
      }),
    );
  }
  return problems;
}

const none: readonly Problem[] = [];

/** The rules to ignore: each `LintIgnore=CODE REASON` names one. */
export function lintIgnoreOf({ entries }: Pick<QuadletUnit, 'entries'>): {
  readonly lintIgnore?: readonly LintIgnore[];
} {
  const found = list(entries, 'X-Berth', 'LintIgnore').map(({ value, path, line }) => {
    const [code = '', ...words] = value.trim().split(/\s+/);
    return { code, reason: words.join(' '), path, line };
  });
  return found.length === 0 ? {} : { lintIgnore: found };
}
