import { list, scalar } from '../../systemd/lookup.ts';
import type { Problem } from '../problem.ts';
import type { LintIgnore } from '../reference.ts';
import { bindSetting } from '../x-berth.ts';
import { problemOfUnit, type QuadletUnit } from './unit.ts';

/** What is wrong in a unit's `[X-Berth]`, which is berth's own section. */
export function ownSectionProblems(unit: QuadletUnit): readonly Problem[] {
  const problems: Problem[] = [];
  for (const entry of unit.entries) {
    if (entry.group !== 'X-Berth' || ['Bind', 'LintIgnore'].includes(entry.key)) continue;
    problems.push(
      problemOfUnit(unit, entry, {
        code: 'bind-setting',
        message: `expected Bind= or LintIgnore= in [X-Berth], found ${JSON.stringify(entry.key)}`,
        hint: 'correct the key or take it out',
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

/** `LintIgnore=CODE REASON`, as often as there are rules to ignore. */
export function lintIgnoreOf({ entries }: Pick<QuadletUnit, 'entries'>): {
  readonly lintIgnore?: readonly LintIgnore[];
} {
  const found = list(entries, 'X-Berth', 'LintIgnore').map(({ value, path, line }) => {
    const [code = '', ...words] = value.trim().split(/\s+/);
    return { code, reason: words.join(' '), path, line };
  });
  return found.length === 0 ? {} : { lintIgnore: found };
}
